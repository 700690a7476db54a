import { defineCommand } from "../../command.js";

import type { DaemonArgs } from "./handler.js";

export const daemon = defineCommand<DaemonArgs>({
  usage: "daemon",
  summary: "Run the daemon in the foreground; logs go to standard error",
  examples: ["udpchat daemon", "udpchat daemon --verbose 2>&1 | tee udpchat.log"],
  arguments: {
    logToFile: {
      type: "boolean",
      default: false,
      describe: "Log to the log file, as `start` and the service do",
    },
  },
  load: async () => (await import("./handler.js")).handle,
});
