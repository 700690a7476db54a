import { defineCommand } from "../../command.js";
import { FORMAT_OPTIONS, type FormatArgs } from "../../format/options.js";

export const discover = defineCommand<FormatArgs>({
  usage: "discover",
  summary: "Ask the network who is there; first answers first",
  examples: ["udpchat discover", "udpchat discover --timeout 3s --json"],
  arguments: FORMAT_OPTIONS,
  load: async () => (await import("./handler.js")).handle,
});
