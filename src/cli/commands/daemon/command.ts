import { defineCommand } from "../../command.js";

export const daemon = defineCommand({
  usage: "daemon",
  summary: "Run the daemon in the foreground; logs go to standard error",
  arguments: {},
  load: async () => (await import("./handler.js")).handle,
});
