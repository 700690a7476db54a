import { defineCommand } from "../../command.js";

export const stop = defineCommand({
  usage: "stop",
  summary: "Stop the daemon; returns once it has said goodbye",
  examples: ["udpchat stop", "udpchat stop && udpchat start"],
  arguments: {},
  load: async () => (await import("./handler.js")).handle,
});
