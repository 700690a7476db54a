import { defineCommand } from "../../command.js";
import type { BlockArgs } from "./handler.js";

export const block = defineCommand<BlockArgs>({
  usage: "block [target]",
  summary: "Block a peer; without TARGET: who is blocked",
  examples: ["udpchat block eve", "udpchat block"],
  arguments: {
    target: {
      type: "string",
      completes: "peer",
      describe: "A nickname, name~ab12, the first characters of an id, or an address",
    },
  },
  load: async () => (await import("./handler.js")).handle,
});
