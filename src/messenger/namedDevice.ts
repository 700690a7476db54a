import type { TrustEntry } from "../store/trust.js";
import { type Candidate, findPeer } from "./target.js";

const DEVICE_ID = /^[0-9a-f]{64}$/;

/** Somebody of the trust book as a candidate; whether it is there nobody knows. */
export function notedCandidate({ device, name, trust }: TrustEntry): Candidate {
  return { id: device, name, trust, state: "offline" };
}

/**
 * The device that a name means among those of the roster and those that are known from before; a
 * whole id means itself. Undefined if there is none.
 * @throws UdpchatError AMBIGUOUS_PEER, KEY_CHANGED
 */
export function namedDevice(
  name: string,
  roster: readonly Candidate[],
  book: readonly TrustEntry[],
): string | undefined {
  const listed = new Set(roster.map(({ id }) => id));
  const noted = book.filter(({ device }) => !listed.has(device)).map(notedCandidate);
  const found = findPeer(name, [...roster, ...noted]);
  if (found !== undefined) return found.id;
  return DEVICE_ID.test(name) ? name : undefined;
}
