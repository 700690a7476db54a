import { type Input, MAX_HISTORY_LIMIT } from "../../../api/operations.js";
import { UdpchatError } from "../../../errors.js";
import { withHistory } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import { type FilterArgs, filterInput } from "../../historyFilter.js";
import { ReadMarks } from "../../readMarks.js";
import { isWanted } from "../../verifiedOnly.js";

export interface HistoryArgs extends FilterArgs {
  readonly query?: string | undefined;
  readonly limit?: string | undefined;
}

export async function handle(args: HistoryArgs, context: CommandContext): Promise<number> {
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

/** @throws UdpchatError INVALID_ARGUMENT */
function inputOf({ query, limit, ...filter }: HistoryArgs): Input<"history"> {
  return {
    ...filterInput(filter),
    ...(query === undefined || query.trim() === "" ? {} : { query }),
    ...(limit === undefined ? {} : { limit: limitOf(limit) }),
  };
}

function limitOf(text: string): number {
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_HISTORY_LIMIT) return limit;
  throw new UdpchatError("INVALID_ARGUMENT", `--limit: "${text}" is not possible`, {
    remedy: `use 1 to ${MAX_HISTORY_LIMIT}; export has all of them`,
  });
}

function nothingText({ limit: _limit, ...filter }: Input<"history">): string {
  return Object.keys(filter).length === 0 ? "nothing is stored yet" : "nothing was found";
}
