import { defineCommand } from "../../command.js";
import { GROUP_PLACE, PEER_PLACE } from "../../options.js";
import type { InviteArgs } from "./handler.js";

export const invite = defineCommand<InviteArgs>({
  usage: "invite <target> <group>",
  summary: "Give a peer the key of a secret group",
  examples: ["udpchat invite bob '#ops'", "udpchat invite bob '#ops' --require-verified"],
  arguments: {
    target: PEER_PLACE,
    group: { ...GROUP_PLACE, describe: "A secret group whose key this home has" },
  },
  load: async () => (await import("./handler.js")).handle,
});
