import { defineCommand } from "../../command.js";
import type { ServeArgs } from "./handler.js";

export const serve = defineCommand<ServeArgs>({
  usage: "serve",
  summary: "Answer requests: text on a command's stdin, reply from its stdout",
  options: (yargs) =>
    yargs.option("exec", {
      type: "string",
      demandOption: true,
      requiresArg: true,
      describe: "Shell command that answers one request",
    }),
  load: async () => (await import("./handler.js")).handle,
});
