import { describe, expect, it } from "vitest";
import { NumberMap } from "../../../src/core/numberMap.js";
import { SeededRandom } from "../../support/seededRandom.js";

interface Named {
  readonly name: string;
}

/** Keys with the same lowest 32 bits collide in any table; some are negative. */
function keyOf(random: SeededRandom): number {
  const low = Math.floor(random.uniform() * 8) - 2;
  const high = Math.floor(random.uniform() * 12);
  return low + high * (random.uniform() < 0.5 ? 64 : 2 ** 33);
}

describe("a map from numbers", () => {
  it("does what a Map does, however keys collide: seeds 1 to 50", () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const random = new SeededRandom(seed);
      const map = new NumberMap<Named>();
      const model = new Map<number, Named>();
      for (let step = 1; step <= 2000; step += 1) {
        const key = keyOf(random);
        // It fills, and it empties.
        if (random.uniform() < (Math.floor(step / 300) % 2 === 0 ? 0.7 : 0.2)) {
          const value = { name: `${step}` };
          map.set(key, value);
          model.set(key, value);
        } else {
          expect(map.delete(key), `seed ${seed}, step ${step}`).toBe(model.get(key));
          model.delete(key);
        }
        expect(map.size, `seed ${seed}, step ${step}`).toBe(model.size);
        const other = keyOf(random);
        expect(map.get(other), `seed ${seed}, step ${step}`).toBe(model.get(other));
      }
      for (const [key, value] of model) expect(map.get(key), `seed ${seed}`).toBe(value);
    }
  });

  it("keeps what is left when it gives room back", () => {
    const map = new NumberMap<Named>();
    for (let key = 0; key < 5000; key += 1) map.set(key, { name: `${key}` });
    for (let key = 0; key < 5000; key += 1) if (key % 100 !== 7) map.delete(key);
    expect(map.size).toBe(50);
    for (let key = 7; key < 5000; key += 100) expect(map.get(key)?.name).toBe(`${key}`);
    expect(map.get(8)).toBeUndefined();
  });

  it("lists its values by their keys", () => {
    const map = new NumberMap<Named>();
    for (const key of [40, 7, 23, -3, 100]) map.set(key, { name: `${key}` });
    expect(map.values().map(({ name }) => name)).toEqual(["-3", "7", "23", "40", "100"]);
  });
});
