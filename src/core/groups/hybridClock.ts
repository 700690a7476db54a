import { readingAt } from "../../wire/hybridReading.js";

/**
 * 2150-01-01, milliseconds since 1970. No clock of any host is further ahead; one that claims to be
 * is not followed. Its distance from our own clock is no reason: hosts without a battery begin in
 * 1970, and must stand in the same order as everybody.
 */
const LATEST_FOLLOWED = readingAt(5_680_281_600_000);
/**
 * Further ahead than that by more than anybody will ever say: who was led to the latest reading that
 * is followed goes on step by step from there, and all must believe where those lines stand.
 */
const LATEST_BELIEVED = LATEST_FOLLOWED + 2 ** 40;

/**
 * A hybrid logical clock (Kulkarni et al. 2014, "Logical Physical Clocks"): close to the wall clock,
 * and above everything that was heard before. Lines sorted by it, then by author and message id,
 * stand in the same order at every member, an answer always behind what it answers. A reading
 * stays below 2^53 until the year 2248.
 */
export class HybridClock {
  #latest = 0;

  /** A reading above all before. `wallMs`: milliseconds since 1970. */
  tick(wallMs: number): number {
    this.#latest = Math.max(this.#latest + 1, readingAt(wallMs));
    return this.#latest;
  }

  /** A reading of our own, of an earlier start: whatever that clock was, we go on above it. */
  resume(reading: number): void {
    this.#latest = Math.max(this.#latest, reading);
  }

  /** Somebody else's reading. */
  heard(reading: number): void {
    if (reading > LATEST_FOLLOWED) return;
    this.#latest = Math.max(this.#latest, reading);
  }
}

/**
 * Where a line of somebody else stands for us: one that is further ahead than any clock stands where
 * it came in. Else it would be the last line of the history for ever, and the last to be forgotten.
 */
export function boundedReading(reading: number, wallMs: number): number {
  return reading > LATEST_BELIEVED ? readingAt(wallMs) : reading;
}

/** The highest reading in a datagram. */
export function latestReading(entries: readonly { readonly hlc: number }[]): number {
  return entries.reduce((latest, { hlc }) => Math.max(latest, hlc), 0);
}
