import { defineCommand } from "../../command.js";
import { PEER_PLACE } from "../../options.js";
import type { AskArgs } from "./handler.js";

export const ask = defineCommand<AskArgs>({
  usage: "ask <target> <text>",
  summary: "A request to a peer; prints its reply",
  examples: ["udpchat ask bob uptime --timeout 10s", "date | udpchat ask bob -"],
  arguments: {
    target: PEER_PLACE,
    text: {
      type: "string",
      demandOption: true,
      describe: "The request; - reads standard input",
    },
  },
  load: async () => (await import("./handler.js")).handle,
});
