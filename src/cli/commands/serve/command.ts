import { defineCommand } from "../../command.js";
import type { ServeArgs } from "./handler.js";

const NOTES = `One request at a time; the others wait.
CMD finds the asker in UDPCHAT_FROM_ID, UDPCHAT_FROM_NAME and UDPCHAT_FROM_ADDRESS.
When CMD fails, the asker is told the first line of its standard error.
The newest serve gets the requests; an earlier one then ends with exit code 5.`;

export const serve = defineCommand<ServeArgs>({
  usage: "serve",
  summary: "Answer requests: text on a command's stdin, reply from its stdout",
  examples: ["udpchat serve --exec 'uptime'"],
  arguments: {
    exec: {
      type: "string",
      demandOption: true,
      requiresArg: true,
      describe: "Shell command that answers one request",
    },
  },
  notes: NOTES,
  load: async () => (await import("./handler.js")).handle,
});
