import { defineCommand } from "../../command.js";

export const id = defineCommand({
  usage: "id",
  summary: "Our own device key and nickname",
  arguments: {},
  load: async () => (await import("./handler.js")).handle,
});
