import type { DeliveryLine } from "../../../api/lines.js";
import { UdpchatError, UNREACHABLE_REMEDY } from "../../../errors.js";
import { DEFAULT_TIMEOUT_MS, durationText } from "../../../messenger/waiting.js";
import { sanitiseName } from "../../../sanitise.js";
import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { errorSentence } from "../../errorReport.js";
import { EXIT } from "../../exitCodes.js";
import { readTextArgument } from "../../textArgument.js";
import { waitInput } from "../../timeoutInput.js";

export interface SendArgs {
  readonly target: string;
  readonly text: string;
  readonly plain: boolean;
  readonly wait?: string | undefined;
}

export async function handle(args: SendArgs, context: CommandContext): Promise<number> {
  const { io, printer, settings, signal, stderr } = context;
  if (args.wait !== undefined && !args.plain) {
    throw new UdpchatError("INVALID_ARGUMENT", "--wait goes with --plain alone", {
      remedy: "use --timeout to wait for a delivery",
    });
  }
  const text = await readTextArgument(args.text, io, signal);
  if (args.plain) {
    if (settings.requireVerified === true) {
      throw new UdpchatError("NOT_VERIFIED", "plain text goes to nobody who was verified", {
        remedy: "send it without --plain, or without --require-verified",
      });
    }
    const { sendPlain } = await import("./plain.js");
    return await sendPlain({ target: args.target, text, wait: args.wait }, context);
  }
  const input = { target: args.target, text, ...waitInput(context) };
  const delivery = await withApi(context, { receives: false }, (api) =>
    api.call("send", input, { signal }),
  );
  if (delivery.status !== "undelivered") {
    await printer.line(delivery);
    return EXIT.done;
  }
  if (printer.forScripts) await printer.line(delivery);
  await stderr.line(undeliveredSentence(delivery, settings.timeout ?? DEFAULT_TIMEOUT_MS));
  return EXIT.notDelivered;
}

/** `udpchat: not delivered to bob (10.77.0.2:22400) within 5 s: what to do about it`. */
function undeliveredSentence({ to }: DeliveryLine, timeoutMs: number): string {
  const where = `${to.address}:${to.port}`;
  const whom = to.name === "" ? where : `${sanitiseName(to.name)} (${where})`;
  const message = `not delivered to ${whom} within ${durationText(timeoutMs)}`;
  return errorSentence(new UdpchatError("TIMEOUT", message, { remedy: UNREACHABLE_REMEDY }));
}
