import type { SeededRandom } from "../support/seededRandom.js";

/** What a disk writes in one piece. */
const BLOCK_BYTES = 512;

/**
 * What may lie on a disk after a power cut: of every block that was written since the last sync the
 * former or the latter content, and the former or the latter length. What was never written is 0.
 */
export function tornWrite(before: Buffer, after: Buffer, chance: SeededRandom): Buffer {
  if (before.equals(after)) return after;
  const isLong = chance.uniform() < 0.5;
  const torn = Buffer.alloc(isLong ? after.length : before.length);
  // All, nothing, or anything between them.
  const share = chance.uniform();
  for (let at = 0; at < torn.length; at += BLOCK_BYTES) {
    const end = Math.min(torn.length, at + BLOCK_BYTES);
    const [former, latter] = [before.subarray(at, end), after.subarray(at, end)];
    if (former.equals(latter)) former.copy(torn, at);
    else (chance.uniform() < share ? latter : former).copy(torn, at);
  }
  return torn;
}
