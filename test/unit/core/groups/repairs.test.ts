import { describe, expect, it } from "vitest";
import { Counters } from "../../../../src/core/counters.js";
import { Archive } from "../../../../src/core/groups/archive.js";
import { GroupRoundTrip, NackTimer } from "../../../../src/core/groups/nack.js";
import { Repairs } from "../../../../src/core/groups/repairs.js";
import { StandIn } from "../../../../src/core/groups/standIn.js";
import { Outputs } from "../../../../src/core/io.js";
import { DEFAULT_LIMITS } from "../../../../src/core/limits.js";
import { type Alarm, TimerQueue } from "../../../../src/core/timers.js";
import type { Instance } from "../../../../src/wire/presence.js";
import { KeptLog } from "../../../support/keptLog.js";
import { SeededRandom } from "../../../support/seededRandom.js";

const ALICE = { device: "a1".repeat(32), incarnation: "01".repeat(8) };
const BOB = { device: "b0".repeat(32), incarnation: "02".repeat(8) };
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

function repairsOf(keyIds: readonly (string | undefined)[]) {
  const outputs = new Outputs();
  const archive = new Archive({ outputs, limits: DEFAULT_LIMITS }, new KeptLog(), "aa".repeat(8));
  for (const [index, keyId] of keyIds.entries()) {
    const sequence = index + 1;
    archive.keep(ALICE, sequence, { sequence, bytes: Uint8Array.of(index), keyId });
  }
  return new Repairs(new Counters(), archive);
}

describe("repairs that wait", () => {
  it("are at most 1024, of all authors", () => {
    const repairs = repairsOf([]);
    repairs.add(ALICE, upTo(1000));
    repairs.add(BOB, upTo(1000));
    const waiting = [ALICE, BOB].flatMap((of) => upTo(1000).filter((one) => repairs.has(of, one)));
    expect(waiting).toHaveLength(1024);
    const all = [{ first: 1, last: Number.MAX_SAFE_INTEGER }];
    expect(repairsOf(upTo(1100).map(() => "k")).wanted(0, ALICE, all, 30)).toEqual(upTo(1024));
  });

  it("are sent in their order, not again too soon, and only under the key that they were said under", () => {
    const repairs = repairsOf(["k", "former", "k"]);
    const all = [{ first: 1, last: 9 }];
    expect(repairs.wanted(0, ALICE, all, 30)).toEqual([1, 2, 3]);
    repairs.add(ALICE, [3, 1, 2]);
    expect(repairs.wanted(0, ALICE, all, 30)).toEqual([]);
    expect([repairs.take(0, "k")?.sequence, repairs.take(0, "k")?.sequence]).toEqual([3, 1]);
    expect(repairs.take(0, "k")).toBeUndefined();
    expect(repairs.isEmpty).toBe(true);
    expect(repairs.wanted(29, ALICE, all, 30)).toEqual([2]);
    expect(repairs.wanted(30, ALICE, all, 30)).toEqual([1, 2, 3]);
    expect(repairs.wanted(30, ALICE, all, 1)).toEqual([1, 2, 3]);
    repairs.add(ALICE, [1]);
    repairs.heard(40, ALICE, 1);
    expect(repairs.isEmpty).toBe(true);
    expect(repairs.wanted(50, ALICE, all, 1)).toEqual([2, 3]);
  });

  it("are looked at a little before whoever asks for them is believed", () => {
    const all = [{ first: 1, last: Number.MAX_SAFE_INTEGER }];
    expect(repairsOf([]).mayWant(0, ALICE, all, 30)).toBe(false);
    const few = repairsOf(["k", "k"]);
    expect(few.mayWant(0, ALICE, [{ first: 3, last: 9 }], 30)).toBe(false);
    few.add(ALICE, [1]);
    expect(few.mayWant(0, ALICE, all, 30)).toBe(true);
    few.add(ALICE, [2]);
    expect(few.mayWant(0, ALICE, all, 30)).toBe(false);
    // Of many the first ones wait, and the others are wanted still.
    const many = repairsOf(upTo(40).map(() => "k"));
    many.add(ALICE, upTo(30));
    expect(many.mayWant(0, ALICE, all, 30)).toBe(true);
    expect(many.wanted(0, ALICE, all, 30)).toHaveLength(10);
  });
});

describe("standing in", () => {
  function standing() {
    const timers = new TimerQueue<Alarm>();
    const repeated: { of: Instance; count: number; atMs: number }[] = [];
    let nowMs = 0;
    const standIn = new StandIn(new SeededRandom(1), timers, {
      roundTrip: new GroupRoundTrip(), // T is 60 ms
      memberCount: () => 10,
      repeat: (of, sequences) => repeated.push({ of, count: sequences.size, atMs: nowMs }),
    });
    const run = (untilMs: number) => {
      while (timers.nextMs() <= untilMs) {
        nowMs = Math.max(nowMs, timers.nextMs());
        timers.popDue(nowMs)?.(nowMs);
      }
      nowMs = untilMs;
    };
    return { standIn, repeated, run };
  }

  it("is for at most 1024 datagrams, of all authors", () => {
    const { standIn, repeated, run } = standing();
    standIn.asked(0, ALICE, upTo(1000), false);
    standIn.asked(0, BOB, upTo(1000), false);
    run(1000);
    expect(repeated.map(({ count }) => count).toSorted((a, b) => b - a)).toEqual([1000, 24]);
    standIn.asked(1000, BOB, upTo(1000), false);
    run(2000);
    expect(repeated.at(-1)).toMatchObject({ of: BOB, count: 1000 });
  });

  it("comes after an author that is here, and when nobody else is at it", () => {
    const { standIn, repeated, run } = standing();
    standIn.asked(0, ALICE, [1, 2], true);
    run(120);
    expect(repeated).toEqual([]);
    run(180);
    expect(repeated).toHaveLength(1);
    standIn.asked(1000, ALICE, upTo(9), true);
    for (let sequence = 1; sequence < 9; sequence += 1) {
      run(1000 + sequence * 100);
      standIn.heard(1000 + sequence * 100, ALICE, sequence);
    }
    expect(repeated).toHaveLength(1);
    run(3000);
    expect(repeated).toMatchObject([{ count: 2 }, { count: 1 }]);
    standIn.asked(4000, ALICE, [1], false);
    standIn.heard(4001, ALICE, 1);
    run(5000);
    expect(repeated).toHaveLength(2);
  });
});

describe("the round trip of a group", () => {
  it("is measured by what authors repeat, not by those who wait for them first", () => {
    const roundTrip = new GroupRoundTrip();
    const nack = new NackTimer(new SeededRandom(1), roundTrip);
    nack.lossSeen(0, 2);
    expect(nack.due(50, 2)).toBe(true);
    nack.filled(450, false);
    expect(roundTrip.grttMs).toBe(10);
    nack.reset();
    nack.lossSeen(500, 2);
    expect(nack.due(550, 2)).toBe(true);
    nack.filled(590, true);
    expect(roundTrip.grttMs).toBeGreaterThan(13);
  });
});
