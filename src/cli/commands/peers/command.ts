import { defineCommand } from "../../command.js";

export const peers = defineCommand({
  usage: "peers",
  summary: "The daemon's roster: who is online, and how each was found",
  arguments: {},
  load: async () => (await import("./handler.js")).handle,
});
