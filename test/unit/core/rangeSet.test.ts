import { describe, expect, it } from "vitest";
import { RangeSet } from "../../../src/core/rangeSet.js";
import type { SequenceRange } from "../../../src/wire/group.js";
import fc from "../../support/fastCheck.js";

const TOP = 60;
const value = fc.integer({ min: 0, max: TOP });
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("add" as const), value }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("addUpTo" as const),
      value: fc.integer({ min: -1, max: 10 }),
    }),
  },
);

/** The runs of `wanted` among 0..TOP, written out the slow way. */
function runs(first: number, last: number, wanted: (value: number) => boolean): SequenceRange[] {
  const found: { first: number; last: number }[] = [];
  for (let each = first; each <= last; each += 1) {
    if (!wanted(each)) continue;
    const open = found.at(-1);
    if (open?.last === each - 1) open.last = each;
    else found.push({ first: each, last: each });
  }
  return found;
}

function filled(steps: readonly { do: "add" | "addUpTo"; value: number }[], maxRanges: number) {
  const set = new RangeSet(maxRanges);
  const model = new Set<number>();
  const fresh: boolean[] = [];
  for (const each of steps) {
    if (each.do === "add") {
      fresh.push(set.add(each.value) === !model.has(each.value));
      model.add(each.value);
    } else {
      set.addUpTo(each.value);
      for (let below = 0; below <= each.value; below += 1) model.add(below);
    }
  }
  return { set, model, fresh };
}

describe("RangeSet", () => {
  it("behaves like a set of numbers while it has room", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), value, value, (steps, first, last) => {
        const { set, model, fresh } = filled(steps, 1000);
        expect(fresh).not.toContain(false);
        for (let each = 0; each <= TOP + 1; each += 1) expect(set.has(each)).toBe(model.has(each));
        expect(set.highest).toBe(Math.max(-1, ...model));
        const present = runs(0, TOP, (each) => model.has(each));
        expect(set.rangeCount).toBe(present.length);
        expect(set.descending(1000)).toEqual(present.toReversed());
        expect(set.descending(2)).toEqual(present.toReversed().slice(0, 2));
        expect(set.descending(0)).toEqual([]);
        const absent = runs(first, last, (each) => !model.has(each));
        expect(set.missing(first, last, 1000)).toEqual(absent);
        expect(set.missing(first, last, 2)).toEqual(absent.slice(0, 2));
        expect([...set.present(first, last)]).toEqual(runs(first, last, (each) => model.has(each)));
      }),
    );
  });

  it("never exceeds its ranges and never forgets a number for it", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.integer({ min: 1, max: 5 }),
        (steps, maxRanges) => {
          const { set, model } = filled(steps, maxRanges);
          expect(set.rangeCount).toBeLessThanOrEqual(maxRanges);
          for (const each of model) expect(set.has(each)).toBe(true);
          expect(set.highest).toBe(Math.max(-1, ...model));
        },
      ),
    );
  });

  it("joins the lowest two when full, and keeps the gaps above", () => {
    const set = new RangeSet(3);
    for (const each of [10, 20, 30, 40]) set.add(each);
    expect(set.descending(9)).toEqual([
      { first: 40, last: 40 },
      { first: 30, last: 30 },
      { first: 10, last: 20 },
    ]);
    expect(set.add(15)).toBe(false);
    expect(set.add(25)).toBe(true);
  });

  it("stays within its ranges when the beginning is added last", () => {
    const set = new RangeSet(2);
    set.add(10);
    set.add(20);
    set.addUpTo(3);
    expect(set.rangeCount).toBe(2);
    expect(set.has(3)).toBe(true);
  });

  it("adds nothing up to -1", () => {
    const set = new RangeSet(4);
    set.addUpTo(-1);
    expect(set.rangeCount).toBe(0);
    expect(set.highest).toBe(-1);
  });

  it("forgets whole ranges below a number and keeps the one around it", () => {
    const set = new RangeSet(9);
    for (const each of [1, 2, 5, 6, 9]) set.add(each);
    set.forgetBelow(6);
    expect(set.descending(9)).toEqual([
      { first: 9, last: 9 },
      { first: 5, last: 6 },
    ]);
    set.forgetBelow(100);
    expect(set.rangeCount).toBe(0);
  });
});
