import { defineCommand } from "../../command.js";

export const discover = defineCommand({
  usage: "discover",
  summary: "Ask the network who is there; first answers first",
  load: async () => (await import("./handler.js")).handle,
});
