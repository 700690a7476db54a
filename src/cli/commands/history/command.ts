import { defineCommand } from "../../command.js";
import { formatOptions } from "../../format/options.js";
import { FILTER_GROUP, FILTER_OPTIONS } from "../../historyFilter.js";
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
  arguments: {
    ...FILTER_OPTIONS,
    query: {
      type: "string",
      describe: "Words that all occur in the text, in any case, or parts of words",
    },
    limit: {
      type: "string",
      requiresArg: true,
      group: FILTER_GROUP,
      describe: "The latest so many, at most 10000 (100)",
    },
    ...formatOptions("{sentAt} {text}"),
  },
  load: async () => (await import("./handler.js")).handle,
});
