import { defineCommand } from "../../command.js";
import type { JoinArgs } from "./handler.js";

export const join = defineCommand<JoinArgs>({
  usage: "join <group>",
  summary: "Chat in a group: prints what arrives, sends what is typed",
  options: (yargs) =>
    yargs
      .positional("group", {
        type: "string",
        demandOption: true,
        describe: "224.0.1.100, address:port or '#name'",
      })
      .option("detach", {
        type: "boolean",
        default: false,
        describe: "The daemon stays a member, across restarts, until leave",
      }),
  load: async () => (await import("./handler.js")).handle,
});
