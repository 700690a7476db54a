import { defineCommand } from "../../command.js";
import type { RemoveArgs } from "./handler.js";

export const remove = defineCommand<RemoveArgs>({
  usage: "remove <target> <group>",
  summary: "Change the key of a secret group, and keep it from a peer",
  examples: ["udpchat remove bob '#ops'"],
  arguments: {
    target: {
      type: "string",
      demandOption: true,
      describe: "A member: a nickname, host:port, or the first characters of its id",
    },
    group: {
      type: "string",
      demandOption: true,
      describe: "A secret group that the daemon is in",
    },
  },
  load: async () => (await import("./handler.js")).handle,
});
