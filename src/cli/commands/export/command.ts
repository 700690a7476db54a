import { defineCommand } from "../../command.js";
import { addFilterOptions, type FilterArgs } from "../../historyFilter.js";

export const exportHistory = defineCommand<FilterArgs>({
  usage: "export",
  summary: "All stored messages as JSON lines, the oldest first",
  examples: ["udpchat export > messages.jsonl", "udpchat export --group '#ops' --since 7d | wc -l"],
  ownPeer: true,
  options: addFilterOptions,
  load: async () => (await import("./handler.js")).handle,
});
