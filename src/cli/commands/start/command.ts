import { defineCommand } from "../../command.js";

export const start = defineCommand({
  usage: "start",
  summary: "Run the daemon in the background; returns once it is ready",
  examples: ["udpchat start", "udpchat start --name bob --retention 90d"],
  arguments: {},
  load: async () => (await import("./handler.js")).handle,
});
