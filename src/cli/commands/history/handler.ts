import { type Input, MAX_HISTORY_LIMIT } from "../../../api/operations.js";
import { withHistory } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import { type FormatArgs, withFormat } from "../../format/options.js";
import { type FilterArgs, filterInput } from "../../historyFilter.js";
import { ReadMarks } from "../../readMarks.js";
import { isWanted } from "../../verifiedOnly.js";
import { wholeNumber } from "../../wholeNumber.js";

export interface HistoryArgs extends FilterArgs, FormatArgs {
  readonly query?: string | undefined;
  readonly limit?: string | undefined;
}

export async function handle(args: HistoryArgs, given: CommandContext): Promise<number> {
  const context = await withFormat(args, "history", given);
  const { printer, signal, stderr } = context;
  const input = inputOf(args);
  return await withHistory(context, async (history) => {
    const stored = await history.call("history", input, { signal });
    const lines = stored.filter((line) => isWanted(line, context));
    await printer.history(lines);
    if (lines.length === 0 && !printer.forScripts) await stderr.line(nothingText(input));
    const marks = ReadMarks.of(history, context);
    for (const line of lines) marks.shown(line);
    await marks.close();
    return EXIT.done;
  });
}

const MORE = "; export has all of them";

/** @throws UdpchatError INVALID_ARGUMENT */
function inputOf({ query, limit, format: _format, ...filter }: HistoryArgs): Input<"history"> {
  return {
    ...filterInput(filter),
    ...(query === undefined || query.trim() === "" ? {} : { query }),
    ...(limit === undefined ? {} : { limit: wholeNumber("limit", limit, MAX_HISTORY_LIMIT, MORE) }),
  };
}

function nothingText({ limit: _limit, ...filter }: Input<"history">): string {
  return Object.keys(filter).length === 0 ? "nothing is stored yet" : "nothing was found";
}
