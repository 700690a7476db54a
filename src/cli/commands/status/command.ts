import { defineCommand } from "../../command.js";

export const status = defineCommand({
  usage: "status",
  summary: "Whether the daemon runs (exit code 0 or 6), and facts about it",
  examples: ["udpchat status", "udpchat status > /dev/null || udpchat start"],
  arguments: {},
  load: async () => (await import("./handler.js")).handle,
});
