import { withDaemon } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";

export interface RemoveArgs {
  readonly target: string;
  readonly group: string;
}

/** By the daemon alone: somebody must stay to give the new key to those who are away now. */
export async function handle(
  { target, group }: RemoveArgs,
  context: CommandContext,
): Promise<number> {
  const { printer, signal } = context;
  const removed = await withDaemon(context, (api) =>
    api.call("remove", { target, group }, { signal }),
  );
  await printer.line(removed);
  return EXIT.done;
}
