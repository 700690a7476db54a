import { UdpchatError } from "../../../errors.js";
import { exchangePlain } from "../../../messenger/plainExchange.js";
import type { CommandContext } from "../../context.js";
import { parseDurationMs } from "../../duration.js";
import { EXIT } from "../../exitCodes.js";
import { body } from "../../printers/conversation.js";

export interface PlainArgs {
  readonly target: string;
  readonly text: string;
  readonly wait?: string | undefined;
}

/**
 * Bare bytes out, bare replies in: no daemon and no identity take part.
 * @throws UdpchatError TIMEOUT if replies were waited for and none came
 */
export async function sendPlain(
  { target, text, wait }: PlainArgs,
  { printer, signal, stdout }: CommandContext,
): Promise<number> {
  const waitMs = wait === undefined ? 0 : parseDurationMs(wait);
  let replies = 0;
  for await (const { from, text: reply } of exchangePlain(target, text, { waitMs, signal })) {
    replies += 1;
    if (printer.forScripts) {
      await printer.line({
        type: "message",
        id: null,
        scope: "plain",
        from: { id: null, name: "", ...from, trust: null },
        group: null,
        text: reply,
        sentAt: null,
        receivedAt: new Date().toISOString(),
        verified: false,
        late: false,
      });
    } else {
      await stdout.line(`${from.address}:${from.port}: ${body(reply)}`);
    }
  }
  if (waitMs === 0) await printer.line({ type: "sent", id: null, group: null });
  if (waitMs > 0 && replies === 0 && !signal.aborted) {
    throw new UdpchatError("TIMEOUT", `no reply from ${target}`, {
      remedy: "check the address, or wait longer with --wait",
    });
  }
  return EXIT.done;
}
