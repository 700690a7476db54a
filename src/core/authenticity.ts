import { signatureOf, signedPart } from "../wire/header.js";
import type { CoreContext } from "./context.js";

/** True if `device` signed the datagram; false is counted. Costs much: ask last. */
export function isAuthentic(context: CoreContext, device: string, bytes: Uint8Array): boolean {
  if (context.verify(device, signedPart(bytes), signatureOf(bytes))) return true;
  context.counters.add("datagramsForged");
  return false;
}
