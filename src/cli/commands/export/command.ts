import { defineCommand } from "../../command.js";
import { FILTER_OPTIONS, type FilterArgs } from "../../historyFilter.js";

export const exportHistory = defineCommand<FilterArgs>({
  usage: "export",
  summary: "All stored messages as JSON lines, the oldest first",
  examples: ["udpchat export > messages.jsonl", "udpchat export --group '#ops' --since 7d | wc -l"],
  ownPeer: true,
  arguments: {
    ...FILTER_OPTIONS,
  },
  load: async () => (await import("./handler.js")).handle,
});
