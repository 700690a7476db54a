import { signatureOf, signedPart } from "../wire/header.js";
import type { CoreContext } from "./context.js";
import type { ReceivedDatagram } from "./io.js";

/**
 * True if `device` signed the datagram, is not blocked, and its source has not spent its allowance
 * of forgeries; false is counted. Costs much: ask last.
 */
export function isAuthentic(
  context: CoreContext,
  nowMs: number,
  device: string,
  { bytes, from }: Pick<ReceivedDatagram, "bytes" | "from">,
): boolean {
  if (context.trust.isBlocked(device)) {
    context.counters.add("datagramsBlocked");
    return false;
  }
  if (!context.gate.admits(nowMs, from.address)) {
    context.counters.add("datagramsThrottled");
    return false;
  }
  if (context.verify(device, signedPart(bytes), signatureOf(bytes))) {
    context.gate.proved(from.address);
    return true;
  }
  context.counters.add("datagramsForged");
  return false;
}
