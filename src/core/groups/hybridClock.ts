/** Steps within a millisecond; more of them borrow from the next one. */
const STEPS_PER_MS = 1024;
/**
 * Another clock this far ahead of ours is not followed: it still decides where its own lines stand,
 * but pulls nobody with it.
 */
const MAX_LEAD_MS = 86_400_000;

/**
 * A hybrid logical clock (Kulkarni et al. 2014, "Logical Physical Clocks"): close to the wall clock,
 * and above everything that was heard before. Lines sorted by it, then by author and message id, stand in the same order
 * at every member, an answer always behind what it answers. A reading is milliseconds since 1970
 * times 1024, and steps; it stays below 2^53 until the year 2248.
 */
export class HybridClock {
  #latest = 0;

  /** A reading above all before. `wallMs`: milliseconds since 1970. */
  tick(wallMs: number): number {
    this.#latest = Math.max(this.#latest + 1, Math.floor(wallMs) * STEPS_PER_MS);
    return this.#latest;
  }

  /** A reading of our own, of an earlier start: whatever that clock was, we go on above it. */
  resume(reading: number): void {
    this.#latest = Math.max(this.#latest, reading);
  }

  /** Somebody else's reading. */
  heard(reading: number, wallMs: number): void {
    if (reading > (wallMs + MAX_LEAD_MS) * STEPS_PER_MS) return;
    this.#latest = Math.max(this.#latest, reading);
  }
}

/** The wall clock of a reading, milliseconds since 1970. */
export function wallMsOf(reading: number): number {
  return Math.floor(reading / STEPS_PER_MS);
}
