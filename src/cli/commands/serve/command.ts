import { defineCommand } from "../../command.js";
import { EXEC_OPTIONS } from "../../execOptions.js";
import type { ServeArgs } from "./handler.js";

const NOTES = `CMD finds the asker in UDPCHAT_FROM_ID, UDPCHAT_FROM_NAME, UDPCHAT_FROM_ADDRESS and
UDPCHAT_FROM_TRUST, the request in UDPCHAT_ID and UDPCHAT_SENT_AT. It ends with us.
When CMD fails, the asker is told the first line of its standard error.
The newest serve gets the requests; an earlier one then ends with exit code 5.`;

export const serve = defineCommand<ServeArgs>({
  usage: "serve",
  summary: "Answer requests: text on a command's stdin, reply from its stdout",
  examples: [
    "udpchat serve --exec 'uptime'",
    `udpchat serve --exec 'jq -r .version' --concurrency 4 --time-limit 2s`,
  ],
  arguments: {
    exec: {
      type: "string",
      demandOption: true,
      requiresArg: true,
      describe: "Shell command that answers one request",
    },
    ...EXEC_OPTIONS,
  },
  notes: NOTES,
  load: async () => (await import("./handler.js")).handle,
});
