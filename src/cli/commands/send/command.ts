import { defineCommand } from "../../command.js";
import { formatOptions } from "../../format/options.js";
import { PEER_PLACE } from "../../options.js";
import type { SendArgs } from "./handler.js";

export const send = defineCommand<SendArgs>({
  usage: "send <target> <text>",
  summary: "One message to a peer; waits for its delivery",
  examples: [
    "udpchat send bob 'Lunch at noon?'",
    "udpchat send bob 'The door is open' --wait-read --timeout 10m",
    "udpchat send bob - --require-verified < report.txt",
    "udpchat send bob 'Call me' --queue --ttl 2d",
    'udpchat send bob "backup finished" --queue --id "backup-$(date +%F)"',
  ],
  arguments: {
    target: PEER_PLACE,
    text: {
      type: "string",
      demandOption: true,
      describe: "What to send; - reads standard input",
    },
    queue: {
      type: "boolean",
      default: false,
      describe: "Keep it if the peer is away: it goes when the peer is seen",
    },
    ttl: {
      type: "string",
      requiresArg: true,
      describe: "With --queue: give it up after this (7d)",
    },
    id: {
      type: "string",
      requiresArg: true,
      describe: "Your own id: the same one again sends nothing twice",
    },
    waitRead: {
      type: "boolean",
      default: false,
      describe: "Wait until a person there has it on the screen, for --timeout in all",
    },
    plain: {
      type: "boolean",
      default: false,
      describe: "Send the bare bytes to host:port, as nc -u does",
    },
    wait: {
      type: "string",
      requiresArg: true,
      describe: "With --plain: print bare replies for this long",
    },
    ...formatOptions("{status} {to.name}"),
  },
  load: async () => (await import("./handler.js")).handle,
});
