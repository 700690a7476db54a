import { describe, expect, it } from "vitest";
import { ByteBudget } from "../../../../src/core/byteBudget.js";
import { InboundLane, type LaneMemory } from "../../../../src/core/session/inboundLane.js";
import { LANE_WINDOW_RECORDS } from "../../../../src/core/session/outboundLane.js";
import { UdpchatError } from "../../../../src/errors.js";
import { malformed } from "../../../../src/wire/cursor.js";
import { type FragmentFrame, FrameType, Lane } from "../../../../src/wire/frames.js";
import { MAX_RECORD_BYTES } from "../../../../src/wire/record.js";

class LaneBench {
  readonly budget: ByteBudget;
  readonly delivered: number[] = [];
  readonly records: Uint8Array[] = [];
  readonly repeated: number[] = [];
  /** Sequences whose records can't be read, and how many were skipped for it. */
  readonly malformed = new Set<number>();
  unreadable = 0;
  readonly lane: InboundLane;

  constructor(ordered: boolean, limitBytes = 100_000, memory?: LaneMemory) {
    this.budget = new ByteBudget(limitBytes);
    this.lane = new InboundLane({
      ordered,
      memory,
      budget: this.budget,
      deliver: (_nowMs, sequence, record) => {
        if (this.malformed.has(sequence)) throw malformed("record");
        this.delivered.push(sequence);
        this.records.push(record);
      },
      repeated: (_nowMs, sequence) => this.repeated.push(sequence),
      unreadable: () => {
        this.unreadable += 1;
      },
    });
  }

  message(sequence: number, base = 1, sizeBytes = 10): string {
    const position = { lane: Lane.ordered, sequence, base };
    return this.lane.message(0, position, new Uint8Array(sizeBytes).fill(sequence % 256));
  }

  fragment(sequence: number, slice: Partial<FragmentFrame> & { nowMs?: number } = {}): string {
    const { nowMs = 0, ...fields } = slice;
    return this.lane.fragment(nowMs, {
      type: FrameType.fragment,
      lane: Lane.ordered,
      sequence,
      base: 1,
      totalBytes: 1000,
      offset: 0,
      slice: new Uint8Array(500).fill(1),
      ...fields,
    });
  }
}

describe("an ordered lane", () => {
  it("skips a held record that can't be read, and counts it", () => {
    const bench = new LaneBench(true);
    bench.malformed.add(2).add(4);
    for (const sequence of [3, 2, 4, 5, 1]) bench.message(sequence);
    expect(bench.delivered).toEqual([1, 3, 5]);
    expect(bench.unreadable).toBe(2);
    expect(bench.budget.usedBytes).toBe(0);
  });

  it("hands on what was held behind a record that can't be read", () => {
    const bench = new LaneBench(true);
    bench.malformed.add(1);
    bench.message(2);
    expect(() => bench.message(1)).toThrow(UdpchatError);
    expect(bench.delivered).toEqual([2]);
  });

  it("hands on in order, once, whatever comes when", () => {
    const bench = new LaneBench(true);
    expect([3, 1, 3, 2, 1, 5, 4, 5].map((sequence) => bench.message(sequence))).toEqual([
      "new",
      "new",
      "duplicate",
      "new",
      "duplicate",
      "new",
      "new",
      "duplicate",
    ]);
    expect(bench.delivered).toEqual([1, 2, 3, 4, 5]);
    expect(bench.repeated).toEqual([3, 1, 5]);
    expect(bench.budget.usedBytes).toBe(0);
  });

  it("keeps a copy of what it holds back", () => {
    const bench = new LaneBench(true);
    const record = new Uint8Array([7]);
    bench.lane.message(0, { lane: Lane.ordered, sequence: 2, base: 1 }, record);
    record[0] = 9;
    bench.message(1);
    expect(bench.records[1]).toEqual(new Uint8Array([7]));
  });

  it("does not wait for what is below the base", () => {
    const bench = new LaneBench(true);
    bench.message(2);
    bench.message(4);
    bench.lane.advance(0, 4);
    expect(bench.delivered).toEqual([2, 4]);
    expect(bench.message(1)).toBe("duplicate");
    expect(bench.message(3)).toBe("duplicate");
    expect(bench.message(7, 7)).toBe("new");
    expect(bench.delivered).toEqual([2, 4, 7]);
  });

  it("knows after it was forgotten what it handed on, and takes again what it only held", () => {
    const former = new LaneBench(true);
    for (const sequence of [1, 3]) former.message(sequence);
    const bench = new LaneBench(true, 100_000, former.lane.dispose());
    expect([1, 2, 3].map((sequence) => bench.message(sequence))).toEqual([
      "duplicate",
      "new",
      "new",
    ]);
    expect(bench.delivered).toEqual([2, 3]);
  });

  it("takes a base back from nobody", () => {
    const bench = new LaneBench(true);
    bench.lane.advance(0, 10);
    bench.lane.advance(0, 5);
    expect(bench.message(9, 1)).toBe("duplicate");
    expect(bench.message(10, 1)).toBe("new");
  });

  it("holds no more than the budget, and what it refused comes again", () => {
    const bench = new LaneBench(true, 25);
    expect(bench.message(2)).toBe("new");
    expect(bench.message(3)).toBe("new");
    expect(bench.message(4)).toBe("refused");
    expect(bench.budget.usedBytes).toBe(20);
    bench.message(1);
    expect(bench.message(4)).toBe("new");
    expect(bench.delivered).toEqual([1, 2, 3, 4]);
  });

  it("refuses what lies beyond the window", () => {
    const bench = new LaneBench(true, 1e9);
    expect(bench.message(LANE_WINDOW_RECORDS)).toBe("new");
    expect(() => bench.message(LANE_WINDOW_RECORDS + 1)).toThrow(UdpchatError);
  });
});

describe("a lane without order", () => {
  it("hands on as they come, once", () => {
    const bench = new LaneBench(false);
    for (const sequence of [3, 1, 3, 2, 3]) bench.message(sequence);
    expect(bench.delivered).toEqual([3, 1, 2]);
    expect(bench.repeated).toEqual([3, 3]);
  });

  it("remembers every sequence, however many holes there are", () => {
    const bench = new LaneBench(false);
    for (let i = 1; i <= 2000; i += 1) bench.message(2 * i, Math.max(1, 2 * i - 4000));
    for (let i = 1; i <= 2000; i += 1) expect(bench.message(2 * i)).toBe("duplicate");
    expect(bench.delivered).toHaveLength(2000);
  });
});

describe("fragments", () => {
  it("become a record in any order, and give their memory back", () => {
    const bench = new LaneBench(true);
    const second = new Uint8Array(500).fill(2);
    expect(bench.fragment(1, { offset: 500, slice: second })).toBe("partial");
    expect(bench.budget.usedBytes).toBe(1000);
    expect(bench.fragment(1, { offset: 500, slice: second })).toBe("partial");
    expect(bench.fragment(1)).toBe("new");
    expect(bench.records[0]).toEqual(new Uint8Array(1000).fill(1, 0, 500).fill(2, 500));
    expect(bench.budget.usedBytes).toBe(0);
    expect(bench.fragment(1)).toBe("duplicate");
  });

  it("are refused when the budget is spent, and taken when it is there again", () => {
    const bench = new LaneBench(false, 1999);
    expect(bench.fragment(1)).toBe("partial");
    expect(bench.fragment(2)).toBe("refused");
    bench.fragment(1, { offset: 500 });
    expect(bench.fragment(2)).toBe("partial");
  });

  it.each([
    ["disagree on the size", { totalBytes: 1001, offset: 501, slice: new Uint8Array(500) }],
    ["are too small", { offset: 500, slice: new Uint8Array(255) }],
    ["make a record too large", { totalBytes: MAX_RECORD_BYTES + 1 }],
    ["lie beyond the window", { sequence: LANE_WINDOW_RECORDS + 1 }],
  ])("that %s are malformed", (_what, slice) => {
    const bench = new LaneBench(true);
    bench.fragment(1);
    expect(() => bench.fragment(1, slice)).toThrow(UdpchatError);
    expect(bench.budget.usedBytes).toBe(1000);
    bench.fragment(1, { offset: 500 });
    expect(bench.delivered).toEqual([1]);
  });

  it("may end in a small slice", () => {
    const bench = new LaneBench(true);
    bench.fragment(1, { totalBytes: 501 });
    bench.fragment(1, { totalBytes: 501, offset: 500, slice: new Uint8Array(1) });
    expect(bench.delivered).toEqual([1]);
  });

  it("tell since when the stalest record waits", () => {
    const bench = new LaneBench(false);
    expect(bench.lane.oldestArrivalMs()).toBe(Number.POSITIVE_INFINITY);
    bench.fragment(1, { nowMs: 10 });
    bench.fragment(2, { nowMs: 20 });
    expect(bench.lane.oldestArrivalMs()).toBe(10);
    bench.fragment(1, { nowMs: 30, totalBytes: 1000, offset: 500, slice: new Uint8Array(256) });
    expect(bench.lane.oldestArrivalMs()).toBe(20);
  });

  it("below the base, and all unfinished ones on demand, give their memory back", () => {
    const bench = new LaneBench(true);
    bench.fragment(1);
    bench.fragment(2);
    bench.message(4);
    bench.lane.advance(0, 2);
    expect(bench.budget.usedBytes).toBe(1010);
    bench.lane.dropUnfinished();
    expect(bench.budget.usedBytes).toBe(10);
    bench.lane.dispose();
    expect(bench.budget.usedBytes).toBe(0);
  });
});

describe("budgets of all peers", () => {
  it("bound them together", () => {
    const all = new ByteBudget(1500);
    const lanes = [1, 2].map(
      () =>
        new InboundLane({
          ordered: true,
          budget: new ByteBudget(1000, all),
          deliver: () => undefined,
          repeated: () => undefined,
          unreadable: () => undefined,
        }),
    );
    const position = { lane: Lane.ordered, sequence: 2, base: 1 };
    expect(lanes.map((lane) => lane.message(0, position, new Uint8Array(900)))).toEqual([
      "new",
      "refused",
    ]);
    lanes[0]?.dispose();
    expect(lanes[1]?.message(0, position, new Uint8Array(900))).toBe("new");
    expect(all.usedBytes).toBe(900);
  });
});
