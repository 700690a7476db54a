import { MAX_DATAGRAM_BYTES } from "../../wire/constants.js";

/** That much may always leave back to back (RFC 9002 section 7.7: the initial window). */
const BURST_BYTES = 10 * MAX_DATAGRAM_BYTES;
/** And what is due within this: no timer spreads it. The grain of Node's. */
const GRAIN_MS = 1;
/** Send a little faster than one window per round trip, so that pacing is never the limit. */
const GAIN = 1.25;
/** Nothing on a LAN is answered sooner. */
const MIN_ROUND_TRIP_MS = 0.25;

/** Spreads a window over its round trip: a leaky bucket, RFC 9002 section 7.7. */
export class Pacer {
  #tokensBytes = BURST_BYTES;
  #filledAtMs = Number.NEGATIVE_INFINITY;

  /** The time at which a full datagram may leave; `nowMs` or earlier means now. */
  readyAtMs(nowMs: number, windowBytes: number, smoothedRttMs: number): number {
    const bytesPerMs = (GAIN * windowBytes) / Math.max(smoothedRttMs, MIN_ROUND_TRIP_MS);
    if (this.#filledAtMs !== Number.NEGATIVE_INFINITY) {
      const gainedBytes = (nowMs - this.#filledAtMs) * bytesPerMs;
      const burstBytes = Math.max(BURST_BYTES, GRAIN_MS * bytesPerMs);
      this.#tokensBytes = Math.min(burstBytes, this.#tokensBytes + gainedBytes);
    }
    this.#filledAtMs = nowMs;
    const wantingBytes = MAX_DATAGRAM_BYTES - this.#tokensBytes;
    return wantingBytes <= 0 ? nowMs : nowMs + wantingBytes / bytesPerMs;
  }

  sent(sizeBytes: number): void {
    this.#tokensBytes -= sizeBytes;
  }
}
