import { defineCommand } from "../../command.js";
import type { OutboxArgs } from "./handler.js";

export const outbox = defineCommand<OutboxArgs>({
  usage: "outbox [action] [id]",
  summary: "What is still queued; outbox drop ID gives one up",
  examples: ["udpchat outbox", "udpchat outbox drop 3f9a01c2"],
  options: (yargs) =>
    yargs
      .positional("action", {
        type: "string",
        choices: ["drop"],
        describe: "drop: give up a queued message",
      })
      .positional("id", {
        type: "string",
        describe: "The first digits of its id, or the --id that it was sent with",
      }),
  load: async () => (await import("./handler.js")).handle,
});
