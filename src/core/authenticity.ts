import { signatureOf, signedPart } from "../wire/header.js";
import type { CoreContext } from "./context.js";
import type { ReceivedDatagram } from "./io.js";
import type { SourceGate } from "./sourceGate.js";

/**
 * True if `device` signed the datagram, is not blocked, and its source has not spent its allowance
 * of forgeries; false is counted. Costs much: ask last. `gate`: of what can't be sent by just
 * anybody, so that others can't spend its allowance in the sender's name.
 */
export function isAuthentic(
  context: CoreContext,
  nowMs: number,
  device: string,
  { bytes, from }: Pick<ReceivedDatagram, "bytes" | "from">,
  gate: SourceGate = context.gate,
): boolean {
  if (context.trust.isBlocked(device)) {
    context.counters.add("datagramsBlocked");
    return false;
  }
  if (!gate.admits(nowMs, from.address)) {
    context.counters.add("datagramsThrottled");
    return false;
  }
  if (context.verify(device, signedPart(bytes), signatureOf(bytes))) {
    gate.proved(from.address);
    return true;
  }
  context.counters.add("datagramsForged");
  return false;
}
