import { signatureOf, signedPart } from "../wire/header.js";
import type { CoreContext } from "./context.js";
import type { ReceivedDatagram } from "./io.js";
import type { SourceGate } from "./sourceGate.js";

/** `refused`: its signature was not looked at. */
export type Authenticity = "genuine" | "refused" | "forged";

/**
 * Whether `device` signed the datagram; refused if that is blocked, or if its source has spent its
 * allowance of forgeries. All but genuine is counted. Costs much: ask last. `gate`: of what can't
 * be sent by just anybody, so that others can't spend its allowance in the sender's name.
 */
export function authenticityOf(
  context: CoreContext,
  nowMs: number,
  device: string,
  { bytes, from }: Pick<ReceivedDatagram, "bytes" | "from">,
  gate: SourceGate = context.gate,
): Authenticity {
  if (context.trust.isBlocked(device)) {
    context.counters.add("datagramsBlocked");
    return "refused";
  }
  if (!gate.admits(nowMs, from.address)) {
    context.counters.add("datagramsThrottled");
    return "refused";
  }
  if (context.verify(device, signedPart(bytes), signatureOf(bytes))) {
    gate.proved(from.address);
    return "genuine";
  }
  context.counters.add("datagramsForged");
  return "forged";
}

/** See `authenticityOf`. */
export function isAuthentic(...args: Parameters<typeof authenticityOf>): boolean {
  return authenticityOf(...args) === "genuine";
}
