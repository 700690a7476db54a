import type { TrustEntry } from "../store/trust.js";
import { type Candidate, findPeer, isCalled } from "./target.js";

/** A whole id: nobody else can be called so. */
export const DEVICE_ID = /^[0-9a-f]{64}$/;

/** Somebody of the trust book as a candidate; whether it is there nobody knows. */
function notedCandidate({ device, name, trust }: TrustEntry): Candidate {
  return { id: device, name, trust, state: "offline" };
}

/**
 * The device that a name means among those of the roster and those that are known from before; a
 * whole id means itself. Undefined if there is none.
 * @param roster whoever of it the name may mean
 * @param isListed whether a device is in the roster: what it calls itself there counts alone
 * @throws UdpchatError AMBIGUOUS_PEER, KEY_CHANGED
 */
export function namedDevice(
  name: string,
  book: readonly TrustEntry[],
  roster: readonly Candidate[] = [],
  isListed: (device: string) => boolean = () => false,
): string | undefined {
  const noted = book
    .map(notedCandidate)
    .filter((candidate) => isCalled(candidate, name) && !isListed(candidate.id));
  const found = findPeer(name, [...roster, ...noted]);
  if (found !== undefined) return found.id;
  return DEVICE_ID.test(name) ? name : undefined;
}
