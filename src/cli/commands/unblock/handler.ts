import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";

export interface UnblockArgs {
  readonly target: string;
}

export async function handle({ target }: UnblockArgs, context: CommandContext): Promise<number> {
  const { printer, signal } = context;
  const line = await withApi(context, { receives: false }, (api) =>
    api.call("unblock", { target }, { signal }),
  );
  await printer.line(line);
  return EXIT.done;
}
