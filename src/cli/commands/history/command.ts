import { defineCommand } from "../../command.js";
import { addFilterOptions, FILTER_GROUP } from "../../historyFilter.js";
import type { HistoryArgs } from "./handler.js";

export const history = defineCommand<HistoryArgs>({
  usage: "history [query]",
  summary: "Stored messages, the latest last; search by any part of the text",
  examples: [
    "udpchat history --peer bob --since 2d",
    "udpchat history '午饭'",
    "udpchat history 'build green' --group '#ops' --json | jq -r .text",
  ],
  ownPeer: true,
  options: (yargs) =>
    addFilterOptions(yargs)
      .positional("query", {
        type: "string",
        describe: "Words that all occur in the text, in any case, or parts of words",
      })
      .option("limit", {
        type: "string",
        requiresArg: true,
        group: FILTER_GROUP,
        describe: "The latest so many, at most 10000 (100)",
      }),
  load: async () => (await import("./handler.js")).handle,
});
