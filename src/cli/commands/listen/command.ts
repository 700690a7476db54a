import { defineCommand } from "../../command.js";

export const listen = defineCommand({
  usage: "listen",
  summary: "Everything that arrives, as it arrives",
  examples: [
    "udpchat listen",
    `udpchat listen --json | jq -r 'select(.type == "message") | .text'`,
  ],
  arguments: {},
  load: async () => (await import("./handler.js")).handle,
});
