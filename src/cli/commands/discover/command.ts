import { defineCommand } from "../../command.js";
import { type FormatArgs, formatOptions } from "../../format/options.js";

export const discover = defineCommand<FormatArgs>({
  usage: "discover",
  summary: "Ask the network who is there; first answers first",
  examples: ["udpchat discover", "udpchat discover --timeout 3s --json"],
  arguments: formatOptions("{name} {address}"),
  load: async () => (await import("./handler.js")).handle,
});
