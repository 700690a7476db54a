import { defineCommand } from "../../command.js";
import type { LogsArgs } from "./handler.js";

export const logs = defineCommand<LogsArgs>({
  usage: "logs",
  summary: "The log of the daemon in the background, whether it runs or not",
  notes:
    "In a pipe the lines are as they were recorded, on a terminal they are for people. " +
    "A daemon in the foreground logs on its standard error instead.",
  examples: ["udpchat logs --since 1h", "udpchat logs --follow"],
  withoutSettings: true,
  arguments: {
    follow: {
      type: "boolean",
      default: false,
      describe: "Go on with what is written from now on",
    },
    lines: {
      type: "string",
      requiresArg: true,
      describe: "The last so many; 0: none of those that are there (100; with --since: all)",
    },
    since: {
      type: "string",
      requiresArg: true,
      describe: "Written since: 2h, 7d, 2026-01-31 or 2026-01-31T08:00",
    },
  },
  load: async () => (await import("./handler.js")).handle,
});
