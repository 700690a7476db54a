import { defineCommand } from "../../command.js";
import { FORMAT_OPTIONS, type FormatArgs } from "../../format/options.js";

export const peers = defineCommand<FormatArgs>({
  usage: "peers",
  summary: "The daemon's roster: who is online, and how each was found",
  arguments: FORMAT_OPTIONS,
  load: async () => (await import("./handler.js")).handle,
});
