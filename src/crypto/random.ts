import { toHex } from "../wire/cursor.js";

/** Where chance comes from. Injected everywhere, so that a seed can replay a run. */
export interface RandomSource {
  /** Uniform in [0, 1). For delays and jitter only. */
  uniform(): number;
  /** Unpredictable bytes: nonces, indexes, incarnations. */
  bytes(countBytes: number): Uint8Array;
}

/** Uniform in [low, high). */
export function uniformBetween(random: RandomSource, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}

export function randomHex(random: RandomSource, countBytes: number): string {
  return toHex(random.bytes(countBytes));
}

/** A random 32-bit number. */
export function randomU32(random: RandomSource): number {
  const bytes = random.bytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}
