import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import { readTextArgument } from "../../textArgument.js";

export interface SayArgs {
  readonly group: string;
  readonly text: string;
}

export async function handle(args: SayArgs, context: CommandContext): Promise<number> {
  const { io, printer, signal } = context;
  const text = await readTextArgument(args.text, io, signal);
  const input = { group: args.group, text, temporary: true };
  await printer.line(
    await withApi(context, { receives: false, keeps: true }, (api) =>
      api.call("say", input, { signal }),
    ),
  );
  return EXIT.done;
}
