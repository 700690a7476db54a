import { defineCommand } from "../../command.js";

export const daemon = defineCommand({
  usage: "daemon",
  summary: "Run the daemon in the foreground; logs go to standard error",
  examples: ["udpchat daemon", "udpchat daemon --verbose 2>&1 | tee udpchat.log"],
  arguments: {},
  load: async () => (await import("./handler.js")).handle,
});
