import { defineCommand } from "../../command.js";

export const id = defineCommand({
  usage: "id",
  summary: "Our own device key and nickname",
  load: async () => (await import("./handler.js")).handle,
});
