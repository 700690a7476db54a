import { describe, expect, it } from "vitest";
import { boundedReading, HybridClock } from "../../../../src/core/groups/hybridClock.js";
import { readingAt } from "../../../../src/wire/hybridReading.js";

const WALL_MS = Date.UTC(2026, 0, 1);
/** 2150-01-01: the latest that is followed. */
const LATEST = readingAt(5_680_281_600_000);

describe("a hybrid clock", () => {
  it("goes with the wall clock, and above everything that was heard and said", () => {
    const clock = new HybridClock();
    expect(clock.tick(WALL_MS)).toBe(readingAt(WALL_MS));
    expect(clock.tick(WALL_MS - 5000)).toBe(readingAt(WALL_MS) + 1);
    clock.heard(readingAt(WALL_MS + 60_000));
    expect(clock.tick(WALL_MS)).toBe(readingAt(WALL_MS + 60_000) + 1);
  });

  it("follows nobody beyond the year 2149", () => {
    const clock = new HybridClock();
    clock.heard(LATEST + 1);
    expect(clock.tick(WALL_MS)).toBe(readingAt(WALL_MS));
  });

  it("has readings that all believe, also if somebody led it to the end of time", () => {
    const clock = new HybridClock();
    clock.heard(LATEST);
    const readings = Array.from({ length: 3 }, () => clock.tick(WALL_MS));
    expect(readings).toEqual([LATEST + 1, LATEST + 2, LATEST + 3]);
    // Wherever the wall clocks of the others stand.
    for (const wallMs of [WALL_MS, WALL_MS + 5000]) {
      expect(readings.map((reading) => boundedReading(reading, wallMs))).toEqual(readings);
    }
  });

  it("is not led by the last number there is: such a line stands where it came in", () => {
    expect(boundedReading(2 ** 53 - 1, WALL_MS)).toBe(readingAt(WALL_MS));
  });
});
