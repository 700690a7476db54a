import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";

export interface LeaveArgs {
  readonly group: string;
}

/** Without a daemon there is no membership to end, but there may be a key to forget. */
export async function handle({ group }: LeaveArgs, context: CommandContext): Promise<number> {
  const { printer, signal } = context;
  const left = await withApi(context, { receives: false }, (api) =>
    api.call("leave", { group }, { signal }),
  );
  await printer.line(left);
  return EXIT.done;
}
