import { defineCommand } from "../../command.js";
import type { UnblockArgs } from "./handler.js";

export const unblock = defineCommand<UnblockArgs>({
  usage: "unblock <target>",
  summary: "Take a block back",
  examples: [
    "udpchat unblock eve",
    "udpchat block --json | jq -r .peer.id | xargs -n 1 udpchat unblock",
  ],
  arguments: {
    target: {
      type: "string",
      demandOption: true,
      completes: "blocked",
      describe: "A nickname, name~ab12, or the first characters of an id",
    },
  },
  load: async () => (await import("./handler.js")).handle,
});
