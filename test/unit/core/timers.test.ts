import { describe, expect, it } from "vitest";
import { TimerQueue } from "../../../src/core/timers.js";
import fc from "../../support/fastCheck.js";

const key = fc.constantFrom("a", "b", "c", "d", "e");
const step = fc.oneof(
  fc.record({ do: fc.constant("set" as const), key, atMs: fc.integer({ min: 0, max: 20 }) }),
  fc.record({ do: fc.constant("set" as const), key, atMs: fc.constant(Number.POSITIVE_INFINITY) }),
  fc.record({ do: fc.constant("clear" as const), key }),
  fc.record({ do: fc.constant("pop" as const), nowMs: fc.integer({ min: 0, max: 20 }) }),
);

describe("TimerQueue", () => {
  it("behaves like a map searched for its minimum", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const queue = new TimerQueue<string>();
        const model = new Map<string, number>();
        for (const each of steps) {
          if (each.do === "set") {
            queue.set(each.key, each.atMs);
            if (each.atMs === Number.POSITIVE_INFINITY) model.delete(each.key);
            else model.set(each.key, each.atMs);
          } else if (each.do === "clear") {
            queue.clear(each.key);
            model.delete(each.key);
          } else {
            const earliestMs = Math.min(...model.values());
            const popped = queue.popDue(each.nowMs);
            if (earliestMs > each.nowMs) expect(popped).toBeUndefined();
            else expect(popped !== undefined && model.get(popped)).toBe(earliestMs);
            if (popped !== undefined) model.delete(popped);
          }
          expect(queue.nextMs()).toBe(Math.min(...model.values()));
          for (const name of "abcde") expect(queue.get(name)).toBe(model.get(name));
        }
      }),
    );
  });

  it("has nothing due when empty", () => {
    const queue = new TimerQueue<string>();
    expect(queue.nextMs()).toBe(Number.POSITIVE_INFINITY);
    expect(queue.popDue(Number.MAX_VALUE)).toBeUndefined();
  });

  it("pops what is due at this very moment, each once, the earliest first", () => {
    const queue = new TimerQueue<number>();
    for (const atMs of [5, 1, 4, 2, 3]) queue.set(atMs, atMs);
    const popped: (number | undefined)[] = [];
    for (let i = 0; i < 5; i += 1) popped.push(queue.popDue(4));
    expect(popped).toEqual([1, 2, 3, 4, undefined]);
  });

  it("takes a deadline anew after it fired at the same moment", () => {
    const queue = new TimerQueue<string>();
    queue.set("a", 1);
    expect(queue.popDue(1)).toBe("a");
    queue.set("a", 1);
    expect(queue.nextMs()).toBe(1);
    expect(queue.popDue(1)).toBe("a");
  });

  it("keeps the right order when one key is moved thousands of times", () => {
    const queue = new TimerQueue<string>();
    queue.set("steady", 5000);
    for (let atMs = 9999; atMs > 0; atMs -= 1) queue.set("moving", atMs);
    queue.set("moving", 6000);
    expect(queue.popDue(9999)).toBe("steady");
    expect(queue.popDue(9999)).toBe("moving");
    expect(queue.popDue(9999)).toBeUndefined();
  });
});
