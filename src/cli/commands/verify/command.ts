import { defineCommand } from "../../command.js";
import type { VerifyArgs } from "./handler.js";

const NOTES = `Run it on both sides and compare the two codes in person or on the phone.
On a terminal it asks whether they are the same; in a script give the code of the other side.`;

export const verify = defineCommand<VerifyArgs>({
  usage: "verify <target> [code..]",
  summary: "Make sure of a peer's key: a code that both sides compare",
  examples: ["udpchat verify bob", "udpchat verify bob --json | jq -r .code"],
  arguments: {
    target: {
      type: "string",
      demandOption: true,
      completes: "peer",
      describe: "A nickname, name~ab12, the first characters of an id, or an address",
    },
    code: {
      type: "string",
      array: true,
      describe: "What the other side sees; spaces do not matter",
    },
  },
  notes: NOTES,
  load: async () => (await import("./handler.js")).handle,
});
