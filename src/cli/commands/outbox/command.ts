import { defineCommand } from "../../command.js";
import type { OutboxArgs } from "./handler.js";

export const outbox = defineCommand<OutboxArgs>({
  usage: "outbox [action] [id]",
  summary: "What is still queued; outbox drop ID gives one up",
  examples: ["udpchat outbox", 'udpchat outbox drop "report-$(date +%F)"'],
  arguments: {
    action: {
      type: "string",
      choices: ["drop"],
      describe: "drop: give up a queued message",
    },
    id: {
      type: "string",
      completes: "queued",
      describe: "The last digits of its id, 4 or more, or the --id that it was sent with",
    },
  },
  load: async () => (await import("./handler.js")).handle,
});
