import { withHistory } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import { type FilterArgs, filterInput } from "../../historyFilter.js";
import { isWanted } from "../../verifiedOnly.js";

export async function handle(args: FilterArgs, context: CommandContext): Promise<number> {
  const { scriptPrinter, signal } = context;
  const input = filterInput(args);
  return await withHistory(context, async (history) => {
    for await (const line of history.stream("export", input, { signal })) {
      if (isWanted(line, context)) await scriptPrinter.line(line);
    }
    return EXIT.done;
  });
}
