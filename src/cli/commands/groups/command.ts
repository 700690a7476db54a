import { defineCommand } from "../../command.js";

export const groups = defineCommand({
  usage: "groups",
  summary: "The groups that the daemon is in, and invitations",
  arguments: {},
  load: async () => (await import("./handler.js")).handle,
});
