import { describe, expect, it } from "vitest";
import { GroupRoundTrip, NackTimer } from "../../../../src/core/groups/nack.js";
import { SeededRandom } from "../../../support/seededRandom.js";

const GROUP_SIZE = 10;

function timerWithLoss(): NackTimer {
  const timer = new NackTimer(new SeededRandom(1), new GroupRoundTrip());
  timer.lossSeen(0, GROUP_SIZE);
  return timer;
}

describe("who misses something", () => {
  it("is silenced by others three times in a row, and then asks itself", () => {
    const timer = timerWithLoss();
    for (let i = 0; i < 3; i += 1) {
      expect(timer.suppressible).toBe(true);
      timer.suppress(timer.dueMs - 1);
      expect(timer.suppressible).toBe(false); // it waits as if it had asked
      expect(timer.due(timer.dueMs, GROUP_SIZE)).toBe(false);
    }
    expect(timer.suppressible).toBe(false);
    expect(timer.due(timer.dueMs, GROUP_SIZE)).toBe(true);
    timer.due(timer.dueMs, GROUP_SIZE);
    expect(timer.suppressible).toBe(true);
  });

  it("waits for half as long again after each round that brings nothing, up to 3 s", () => {
    const timer = timerWithLoss();
    const waitsMs = Array.from({ length: 12 }, () => {
      const askedAtMs = timer.dueMs;
      expect(timer.due(askedAtMs, GROUP_SIZE)).toBe(true);
      const waitMs = timer.dueMs - askedAtMs;
      timer.due(timer.dueMs, GROUP_SIZE);
      return Math.round(waitMs * 10) / 10;
    });
    expect(waitsMs.slice(0, 4)).toEqual([70, 105, 157.5, 236.3]);
    expect(waitsMs.at(-1)).toBe(3000);
  });
});
