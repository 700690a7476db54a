import { defineCommand } from "../../command.js";
import { GROUP_PLACE } from "../../options.js";
import type { RemoveArgs } from "./handler.js";

export const remove = defineCommand<RemoveArgs>({
  usage: "remove <target> <group>",
  summary: "Change the key of a secret group, and keep it from a peer",
  examples: [
    "udpchat remove bob '#ops'",
    "udpchat remove bob '#ops' && udpchat say '#ops' 'The key is changed'",
  ],
  arguments: {
    target: {
      type: "string",
      demandOption: true,
      completes: "peer",
      describe: "A member: a nickname, host:port, or the first characters of its id",
    },
    group: { ...GROUP_PLACE, describe: "A secret group that the daemon is in" },
  },
  load: async () => (await import("./handler.js")).handle,
});
