import { defineCommand } from "../../command.js";

export const reload = defineCommand({
  usage: "reload",
  summary: "Have the daemon read the config file again; no session ends",
  notes:
    "SIGHUP does the same. A wrong file changes nothing. " +
    "`udpchat config set` reloads by itself.",
  examples: ["udpchat reload", "udpchat reload --json | jq -r '.restart[]'"],
  withoutSettings: true,
  arguments: {},
  load: async () => (await import("./handler.js")).handle,
});
