import { defineCommand } from "../../command.js";
import type { ServiceArgs } from "./handler.js";

export const service = defineCommand<ServiceArgs>({
  usage: "service <action>",
  summary: "Have the system run the daemon: install, remove, status",
  notes:
    "A systemd user unit on Linux, a LaunchAgent on macOS, a scheduled task on Windows. `install` " +
    "keeps the options that it is given; again, it changes them. `status` exits with 6 unless it runs.",
  examples: [
    "udpchat service install",
    "udpchat service install --interface eth0 --print",
    "udpchat service status",
  ],
  withoutSettings: true,
  arguments: {
    action: {
      type: "string",
      demandOption: true,
      choices: ["install", "remove", "status"],
      describe: "install: now and at every log-in; remove: take it away",
    },
    print: {
      type: "boolean",
      default: false,
      describe: "With install: print the definition, and change nothing",
    },
  },
  load: async () => (await import("./handler.js")).handle,
});
