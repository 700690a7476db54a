import { defineCommand } from "../../command.js";
import type { AskArgs } from "./handler.js";

export const ask = defineCommand<AskArgs>({
  usage: "ask <target> <text>",
  summary: "A request to a peer; prints its reply",
  examples: ["udpchat ask bob uptime --timeout 10s"],
  arguments: {
    target: {
      type: "string",
      demandOption: true,
      describe: "host:port, host, a nickname, or the first characters of a peer id",
    },
    text: {
      type: "string",
      demandOption: true,
      describe: "The request; - reads standard input",
    },
  },
  load: async () => (await import("./handler.js")).handle,
});
