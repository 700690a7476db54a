/** The trend finder tells a leak from noise. */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../support/seededRandom.js";
import { median, type Point, theilSen } from "./trend.js";

const SEED = 20;
const SAMPLES_PER_MINUTE = 6;
/** Of the heap, in a run of five minutes (`verdict.ts`): 2 MiB an hour, and one MiB once. */
const ALLOWED_PER_MINUTE = 0.4;

/** Heap after collections, MiB over minutes: up and down by half a MiB, now and then by more. */
function noisy(random: SeededRandom, minutes: number, perMinute: number): Point[] {
  return Array.from({ length: minutes * SAMPLES_PER_MINUTE }, (_, i) => {
    const x = i / SAMPLES_PER_MINUTE;
    const burst = random.uniform() < 0.05 ? 8 * random.uniform() : 0;
    return { x, y: 40 + perMinute * x + random.uniform() - 0.5 + burst };
  });
}

describe("the slope of Theil and Sen", () => {
  it("is exact on a straight line", () => {
    const points = Array.from({ length: 20 }, (_, x) => ({ x, y: 3 * x - 7 }));
    expect(theilSen(points)).toEqual({ slope: 3, low: 3, high: 3 });
  });

  it("is not moved by outliers", () => {
    const points = Array.from({ length: 20 }, (_, x) => ({ x, y: x % 7 === 3 ? 1000 : 2 * x }));
    expect(theilSen(points)?.slope).toBeCloseTo(2, 1);
  });

  it("is undefined for points that are few, or all at one time", () => {
    expect(theilSen([{ x: 1, y: 1 }])).toBeUndefined();
    expect(theilSen(Array.from({ length: 20 }, (_, y) => ({ x: 1, y })))).toBeUndefined();
  });

  it("finds a leak of 1 MiB a minute in five minutes of noise", () => {
    for (let seed = SEED; seed < SEED + 50; seed += 1) {
      const trend = theilSen(noisy(new SeededRandom(seed), 5, 1));
      expect(trend?.low, `seed ${seed}`).toBeGreaterThan(ALLOWED_PER_MINUTE);
    }
  });

  it("finds nothing in flat noise but by chance", () => {
    const seeds = Array.from({ length: 200 }, (_, i) => SEED + i);
    const found = seeds.filter((seed) => {
      const trend = theilSen(noisy(new SeededRandom(seed), 5, 0));
      return trend === undefined || trend.low > 0 || trend.high < 0;
    });
    // With 99 % confidence 2 of 200 are to be expected.
    expect(found.length).toBeLessThan(8);
  });
});

describe("the median", () => {
  it("is the middle, or between the two middle ones", () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });
});
