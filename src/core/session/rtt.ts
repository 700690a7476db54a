/** Round-trip estimation, RFC 9002 section 5, and the probe timeout, section 6.2. */

/** Timer granularity (RFC 9002 section 6.1.2, kGranularity). */
const GRANULARITY_MS = 1;
/** The longest we hold an acknowledgement back. Part of the protocol: peers reckon with it. */
export const MAX_ACK_DELAY_MS = 25;

/** Before the first sample: a LAN answers within this (RFC 9002 uses 333 ms for the internet). */
const INITIAL_RTT_MS = 20;
const PTO_FLOOR_MS = 50;
/**
 * The longest probe interval. RFC 9002 doubles without end; on a LAN a probe a second costs
 * nothing, and at 30 % loss both ways it is what brings a message through within 5 s.
 */
export const PTO_CAP_MS = 1000;

export class RttEstimator {
  #smoothedMs = INITIAL_RTT_MS;
  #variationMs = INITIAL_RTT_MS / 2;
  #minMs = Number.POSITIVE_INFINITY;
  #latestMs = INITIAL_RTT_MS;
  #sampled = false;
  #newSampleMs: number | undefined;

  get smoothedMs(): number {
    return this.#smoothedMs;
  }

  /** The latest sample, without the peer's delay and once; undefined if none is new. */
  takeSample(): number | undefined {
    const sampleMs = this.#newSampleMs;
    this.#newSampleMs = undefined;
    return sampleMs;
  }

  /** `ackDelayMs` as the peer reported it. */
  sample(latestMs: number, ackDelayMs: number): void {
    this.#latestMs = latestMs;
    this.#newSampleMs = latestMs;
    this.#minMs = Math.min(this.#minMs, latestMs);
    if (!this.#sampled) {
      this.#sampled = true;
      this.#smoothedMs = latestMs;
      this.#variationMs = latestMs / 2;
      return;
    }
    const heldMs = Math.min(ackDelayMs, MAX_ACK_DELAY_MS);
    // The delay is only believed as far as it does not go below the fastest round trip seen.
    const adjustedMs = latestMs >= this.#minMs + heldMs ? latestMs - heldMs : latestMs;
    this.#newSampleMs = adjustedMs;
    this.#variationMs = 0.75 * this.#variationMs + 0.25 * Math.abs(this.#smoothedMs - adjustedMs);
    this.#smoothedMs = 0.875 * this.#smoothedMs + 0.125 * adjustedMs;
  }

  /** A packet this much older than one acknowledged is lost (9/8 RTT, RFC 9002 section 6.1.2). */
  lossDelayMs(): number {
    return Math.max((9 / 8) * Math.max(this.#smoothedMs, this.#latestMs), GRANULARITY_MS);
  }

  /** Silence after which a probe goes, `probesSent` of which were unanswered. */
  probeTimeoutMs(probesSent: number): number {
    const baseMs =
      this.#smoothedMs + Math.max(4 * this.#variationMs, GRANULARITY_MS) + MAX_ACK_DELAY_MS;
    const doublings = Math.min(probesSent, 16);
    return Math.min(Math.max(baseMs, PTO_FLOOR_MS) * 2 ** doublings, PTO_CAP_MS);
  }
}
