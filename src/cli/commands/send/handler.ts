import { UdpchatError } from "../../../errors.js";
import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import { readTextArgument } from "../../textArgument.js";
import { timeoutInput } from "../../timeoutInput.js";

export interface SendArgs {
  readonly target: string;
  readonly text: string;
  readonly plain: boolean;
  readonly wait?: string | undefined;
}

export async function handle(args: SendArgs, context: CommandContext): Promise<number> {
  const { io, printer, signal } = context;
  if (args.wait !== undefined && !args.plain) {
    throw new UdpchatError("INVALID_ARGUMENT", "--wait goes with --plain alone", {
      remedy: "use --timeout to wait for a delivery",
    });
  }
  const text = await readTextArgument(args.text, io, signal);
  if (args.plain) {
    const { sendPlain } = await import("./plain.js");
    return await sendPlain({ target: args.target, text, wait: args.wait }, context);
  }
  const input = { target: args.target, text, ...timeoutInput(context) };
  await printer.line(
    await withApi(context, { receives: false }, (api) => api.call("send", input, { signal })),
  );
  return EXIT.done;
}
