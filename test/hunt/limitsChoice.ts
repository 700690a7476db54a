import type { Limits } from "../../src/core/limits.js";
import { SeededRandom } from "../support/seededRandom.js";
import { hashOf } from "./world.js";

const TIGHT_CHANCE = 0.5;
/** Reached in seconds, and not in hours. */
const RENEWALS: Partial<Limits> = { rekeyAfterPackets: 64, rekeyAfterMs: 15_000 };
/** Reached by somebody who insists, and by no host that merely has much to say. */
const HANDSHAKES: Partial<Limits> = {
  handshakesPerSecondBeforeCookies: 1,
  halfOpenHandshakes: 4,
  handshakesPerSecondPerSource: 2,
  handshakeBurstPerSource: 6,
};
/** Reached by a salvo of forgeries. */
const CHECKS: Partial<Limits> = {
  unauthenticatedPerSecondPerSource: 2,
  unauthenticatedPerSecond: 3,
};
/** One of the longest messages has room, and not a second one. */
const REASSEMBLY: Partial<Limits> = { reassemblyBytesPerPeer: 72 * 1024 };

/**
 * The bounds of the hosts of a seed that has tight ones: some of these kinds.
 * @param peers how many others everybody has to know
 */
export function drawnLimits(seed: number, peers: number): Partial<Limits> {
  const random = new SeededRandom(seed ^ hashOf("limits"));
  return [RENEWALS, HANDSHAKES, CHECKS, REASSEMBLY, { peers }]
    .filter(() => random.uniform() < TIGHT_CHANCE)
    .reduce((tight, more) => ({ ...tight, ...more }), {});
}
