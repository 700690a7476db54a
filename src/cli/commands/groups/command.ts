import { defineCommand } from "../../command.js";

export const groups = defineCommand({
  usage: "groups",
  summary: "The groups that the daemon is in, and invitations",
  examples: ["udpchat groups", `udpchat groups --json | jq -r 'select(.type == "group") | .group'`],
  arguments: {},
  load: async () => (await import("./handler.js")).handle,
});
