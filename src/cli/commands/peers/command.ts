import { defineCommand } from "../../command.js";
import { type FormatArgs, formatOptions } from "../../format/options.js";

export const peers = defineCommand<FormatArgs>({
  usage: "peers",
  summary: "The daemon's roster: who is online, and how each was found",
  examples: ["udpchat peers", "udpchat peers --format '{name} {address}:{port} {state}'"],
  arguments: formatOptions("{name} {state}"),
  load: async () => (await import("./handler.js")).handle,
});
