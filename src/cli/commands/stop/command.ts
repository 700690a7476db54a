import { defineCommand } from "../../command.js";

export const stop = defineCommand({
  usage: "stop",
  summary: "Stop the daemon; returns once it has said goodbye",
  arguments: {},
  load: async () => (await import("./handler.js")).handle,
});
