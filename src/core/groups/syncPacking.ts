import type { RandomSource } from "../../crypto/random.js";
import { packStreams, type SyncStream } from "../../wire/groupSync.js";

/**
 * The streams that one record says, the first ones; if not all fit, those behind a random place:
 * somebody with a thousand of them must not keep the others from being said for ever.
 */
export function packFairly(
  streams: readonly SyncStream[],
  random: RandomSource,
): ReturnType<typeof packStreams> {
  const packed = packStreams(streams);
  if (!packed.partial) return packed;
  const start = Math.floor(random.uniform() * streams.length);
  return { ...packStreams([...streams.slice(start), ...streams.slice(0, start)]), partial: true };
}
