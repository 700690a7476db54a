import { defineCommand } from "../../command.js";
import { EXEC_OPTIONS } from "../../execOptions.js";
import { formatOptions } from "../../format/options.js";
import type { ListenArgs } from "./handler.js";

const NOTES = `With --exec messages are not printed: CMD gets the text of each on its standard input, and
UDPCHAT_ID, UDPCHAT_SCOPE, UDPCHAT_GROUP, UDPCHAT_FROM_ID, UDPCHAT_FROM_NAME,
UDPCHAT_FROM_ADDRESS, UDPCHAT_FROM_TRUST, UDPCHAT_SENT_AT, UDPCHAT_RECEIVED_AT and
UDPCHAT_LATE in its environment. It ends with us.`;

export const listen = defineCommand<ListenArgs>({
  usage: "listen",
  summary: "Everything that arrives, as it arrives",
  examples: [
    "udpchat listen",
    `udpchat listen --json | jq --unbuffered -r 'select(.type == "message").text'`,
    "udpchat listen --format '{receivedAt} {from.name}: {text}'",
    `udpchat listen --exec 'echo "$UDPCHAT_FROM_NAME wrote $(wc -c) bytes"'`,
  ],
  arguments: {
    exec: {
      type: "string",
      requiresArg: true,
      describe: "Shell command to run for each message",
    },
    stdin: {
      type: "string",
      requiresArg: true,
      choices: ["text", "json"],
      describe: "What that command reads: the text, or the message as JSON (text)",
    },
    ...EXEC_OPTIONS,
    ...formatOptions("{from.name}: {text}"),
  },
  notes: NOTES,
  load: async () => (await import("./handler.js")).handle,
});
