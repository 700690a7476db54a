import { defineCommand } from "../../command.js";

export const status = defineCommand({
  usage: "status",
  summary: "Whether the daemon runs (exit code 0 or 6), and facts about it",
  arguments: {},
  load: async () => (await import("./handler.js")).handle,
});
