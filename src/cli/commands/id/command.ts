import { defineCommand } from "../../command.js";

export const id = defineCommand({
  usage: "id",
  summary: "Our own device key and nickname",
  examples: ["udpchat id", "udpchat id --json | jq -r .fingerprint"],
  arguments: {},
  load: async () => (await import("./handler.js")).handle,
});
