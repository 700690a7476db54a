import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import { waitInput } from "../../timeoutInput.js";

export interface InviteArgs {
  readonly target: string;
  readonly group: string;
}

export async function handle(
  { target, group }: InviteArgs,
  context: CommandContext,
): Promise<number> {
  const { printer, signal } = context;
  const input = { target, group, ...waitInput(context) };
  const invited = await withApi(context, { receives: false }, (api) =>
    api.call("invite", input, { signal }),
  );
  await printer.line(invited);
  return EXIT.done;
}
