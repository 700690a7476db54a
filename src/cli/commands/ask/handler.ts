import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import { readTextArgument } from "../../textArgument.js";
import { waitInput } from "../../timeoutInput.js";

export interface AskArgs {
  readonly target: string;
  readonly text: string;
}

export async function handle(args: AskArgs, context: CommandContext): Promise<number> {
  const { io, printer, signal } = context;
  const text = await readTextArgument(args.text, io, signal);
  const input = { target: args.target, text, ...waitInput(context) };
  await printer.line(
    await withApi(context, { receives: false }, (api) => api.call("ask", input, { signal })),
  );
  return EXIT.done;
}
