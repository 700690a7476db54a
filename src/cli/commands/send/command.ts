import { defineCommand } from "../../command.js";
import type { SendArgs } from "./handler.js";

export const send = defineCommand<SendArgs>({
  usage: "send <target> <text>",
  summary: "One message to a peer; waits for its delivery",
  examples: [
    "udpchat send bob 'Lunch at noon?'",
    "udpchat send 10.77.0.2 - --require-verified < report.txt",
  ],
  options: (yargs) =>
    yargs
      .positional("target", {
        type: "string",
        demandOption: true,
        describe: "host:port, host, a nickname, or the first characters of a peer id",
      })
      .positional("text", {
        type: "string",
        demandOption: true,
        describe: "What to send; - reads standard input",
      })
      .option("plain", {
        type: "boolean",
        default: false,
        describe: "Send the bare bytes to host:port, as nc -u does",
      })
      .option("wait", {
        type: "string",
        requiresArg: true,
        describe: "With --plain: print bare replies for this long",
      }),
  load: async () => (await import("./handler.js")).handle,
});
