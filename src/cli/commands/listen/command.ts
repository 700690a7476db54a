import { defineCommand } from "../../command.js";

export const listen = defineCommand({
  usage: "listen",
  summary: "Everything that arrives, as it arrives",
  load: async () => (await import("./handler.js")).handle,
});
