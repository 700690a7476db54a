/** Readings of the hybrid clock as they travel: milliseconds since 1970 times 1024, plus steps. */

/** Steps within a millisecond; more of them borrow from the next one. */
const STEPS_PER_MS = 1024;

/** The lowest reading of that millisecond since 1970. */
export function readingAt(wallMs: number): number {
  return Math.floor(wallMs) * STEPS_PER_MS;
}

/** The millisecond since 1970 of a reading. */
export function readingMs(reading: number): number {
  return Math.floor(reading / STEPS_PER_MS);
}
