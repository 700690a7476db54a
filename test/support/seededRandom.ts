import type { RandomSource } from "../../src/crypto/random.js";

/** A generator that a seed replays (mulberry32). For tests only: its bytes are predictable. */
export class SeededRandom implements RandomSource {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  bytes(countBytes: number): Uint8Array {
    return Uint8Array.from({ length: countBytes }, () => Math.floor(this.uniform() * 256));
  }
}

/** One of the items, which are not empty. */
export function oneOf<T>(random: RandomSource, items: readonly T[]): T {
  const item = items[Math.floor(random.uniform() * items.length)];
  if (item === undefined) throw new Error("nothing to choose from");
  return item;
}
