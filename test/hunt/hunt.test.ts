import { describe, expect, it } from "vitest";
import { hunt } from "./hunt.js";
import { replayCommand } from "./shrink.js";

/** CI lives through many more: `npm run sim`. */
const SEEDS = 100;
const SEEDS_PER_TEST = 25;

describe("whole messengers under work and faults", () => {
  for (let from = 1; from <= SEEDS; from += SEEDS_PER_TEST) {
    const to = from + SEEDS_PER_TEST - 1;
    it(`hold every invariant: seeds ${from} to ${to}`, { timeout: 240_000 }, async () => {
      for (let seed = from; seed <= to; seed += 1) {
        const { failure } = await hunt(seed);
        expect(failure, replayCommand(seed, {})).toBeUndefined();
      }
    });
  }
});

describe("a seed", () => {
  it("is the same run every time, datagram by datagram", async () => {
    for (const seed of [10, 11]) {
      const [first, second] = [await hunt(seed, TRACED), await hunt(seed, TRACED)];
      expect(first.trace.length).toBeGreaterThan(500);
      expect(second.trace).toEqual(first.trace);
      expect((await hunt(seed + 1, TRACED)).trace).not.toEqual(first.trace);
    }
  });
});

const TRACED = { datagrams: true };
