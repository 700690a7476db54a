import { defineCommand } from "../../command.js";

export const start = defineCommand({
  usage: "start",
  summary: "Run the daemon in the background; returns once it is ready",
  arguments: {},
  load: async () => (await import("./handler.js")).handle,
});
