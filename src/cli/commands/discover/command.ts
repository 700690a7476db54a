import { defineCommand } from "../../command.js";

export const discover = defineCommand({
  usage: "discover",
  summary: "Ask the network who is there; first answers first",
  examples: ["udpchat discover", "udpchat discover --timeout 3s --json"],
  arguments: {},
  load: async () => (await import("./handler.js")).handle,
});
