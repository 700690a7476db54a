import { defineCommand } from "../../command.js";
import { PEER_PLACE } from "../../options.js";
import type { InviteArgs } from "./handler.js";

export const invite = defineCommand<InviteArgs>({
  usage: "invite <target> <group>",
  summary: "Give a peer the key of a secret group",
  examples: ["udpchat invite bob '#ops'"],
  arguments: {
    target: PEER_PLACE,
    group: {
      type: "string",
      demandOption: true,
      describe: "A secret group whose key this home has",
    },
  },
  load: async () => (await import("./handler.js")).handle,
});
