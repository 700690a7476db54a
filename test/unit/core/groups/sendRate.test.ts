import { describe, expect, it } from "vitest";
import { Losses } from "../../../../src/core/groups/losses.js";
import { SendRate } from "../../../../src/core/groups/sendRate.js";

const LOWEST = 1_000_000;
const HIGHEST = 32_000_000;

/** A rate, and the one group that it is for. */
class Talk {
  readonly rate = new SendRate({ lowestBitsPerSecond: LOWEST, highestBitsPerSecond: HIGHEST });
  readonly losses = new Losses(0);
  readonly asker = {};
  lead = 0;
  nowMs = 0;

  constructor() {
    this.rate.watch(this.losses);
    this.rate.update(0);
  }

  /** A round of 100 datagrams of which the first ones are lost. Returns Mbit/s after it. */
  round(lostCount = 0, { sentCount = 100, heldBack = true, asker = this.asker } = {}): number {
    const first = this.lead + 1;
    for (let i = 0; i < sentCount; i += 1) {
      this.lead += 1;
      this.losses.sent(this.lead);
    }
    if (heldBack) this.rate.heldBack(this.nowMs);
    if (lostCount > 0)
      this.losses.asked(this.nowMs, asker, [{ first, last: first + lostCount - 1 }]);
    this.nowMs += 100;
    this.rate.update(this.nowMs);
    return this.rate.bitsPerSecond / 1_000_000;
  }

  rounds(count: number, lostCount = 0): number[] {
    return Array.from({ length: count }, () => this.round(lostCount));
  }
}

describe("the rate of what we say to groups", () => {
  it("doubles while it holds something back and nothing is lost, up to the highest", () => {
    expect(new Talk().rounds(7)).toEqual([2, 4, 8, 16, 32, 32, 32]);
  });

  it("stays where it is while it holds nothing back", () => {
    const talk = new Talk();
    talk.rounds(3);
    expect(talk.round(0, { heldBack: false })).toBe(8);
    expect(talk.round(0, { heldBack: false })).toBe(8);
  });

  it("waits for a round that says something", () => {
    const talk = new Talk();
    expect([1, 2, 3, 4].map(() => talk.round(0, { sentCount: 10 }))).toEqual([1, 1, 1, 2]);
  });

  it("falls to half, or to what was not lost, a quarter at least; then it grows slowly", () => {
    const talk = new Talk();
    talk.rounds(5);
    expect(talk.round(10)).toBe(16);
    expect(talk.rounds(2)).toEqual([17, 18.0625]);
    expect(talk.round(65, { asker: {} })).toBeCloseTo(0.35 * 18.0625);
    expect(talk.round(100, { asker: {} })).toBeCloseTo(0.35 * 18.0625 * 0.25);
  });

  it("never falls below the lowest, whatever is asked for", () => {
    const talk = new Talk();
    talk.rounds(4);
    expect(talk.rounds(8, 100)).toEqual([4, 1, 1, 1, 1, 1, 1, 1]);
  });

  it("does not fall for what a good link loses", () => {
    const talk = new Talk();
    expect(talk.rounds(5, 2).at(-1)).toBe(32);
    expect(talk.round(5)).toBe(32);
    expect(talk.round(6)).toBe(16);
  });

  it("does not fall for what is lost at the lowest rate as well, up to a bound", () => {
    const lossy = new Talk();
    expect(lossy.rounds(40, 11).at(-1)).toBe(32);
    const broken = new Talk();
    expect(broken.rounds(30, 30).at(-1)).toBe(1);
    const used = new Talk();
    used.rounds(40, 11);
    expect(used.round(30)).toBe(16);
  });

  it("counts the member that lacks most, and not what all of them lack together", () => {
    const talk = new Talk();
    talk.rounds(4);
    for (let i = 0; i < 50; i += 1)
      talk.losses.asked(talk.nowMs, {}, [{ first: talk.lead, last: talk.lead }]);
    expect(talk.round()).toBe(32);
  });

  it("halves with every 4 s in which it held nothing back, and is then as at the beginning", () => {
    const talk = new Talk();
    talk.rounds(5);
    talk.round(50);
    talk.nowMs += 8000;
    expect(talk.round(0, { sentCount: 1, heldBack: false })).toBe(4);
    expect(talk.rounds(3)).toEqual([8, 16, 17]);
    talk.nowMs += 60_000;
    expect(talk.round(0, { sentCount: 1, heldBack: false })).toBe(1);
    expect(talk.rounds(3)).toEqual([2, 4, 8]);
  });

  it("begins anew on another network", () => {
    const talk = new Talk();
    talk.rounds(5);
    talk.rate.reset();
    talk.rate.update(talk.nowMs);
    expect(talk.rate.bitsPerSecond).toBe(LOWEST);
  });

  it("does not fall again for what was lost before it fell", () => {
    const talk = new Talk();
    talk.rounds(5);
    expect(talk.round(20)).toBe(16);
    const [first, last] = [talk.lead - 99, talk.lead - 60];
    talk.losses.asked(talk.nowMs, {}, [{ first, last }]);
    talk.losses.asked(talk.nowMs, talk.asker, [{ first, last }]);
    expect(talk.round()).toBeGreaterThanOrEqual(16);
  });

  it("waits for whoever is behind, as long as he takes to ask again", () => {
    const talk = new Talk();
    talk.rounds(5);
    expect(talk.round(20)).toBe(16);
    expect(talk.round()).toBe(17);
    talk.nowMs += 400;
    talk.losses.asked(talk.nowMs, talk.asker, [{ first: 530, last: 570 }]);
    expect(talk.rounds(6)).toEqual([17, 17, 17, 17, 17, 17]);
    expect(talk.round()).toBe(18.0625);
  });

  it("looks at every group by itself, as long as it is watched", () => {
    const talk = new Talk();
    const small = new Losses(0);
    talk.rate.watch(small);
    const smallRound = (): number => {
      for (let i = 1; i <= 10; i += 1) small.sent(i);
      small.asked(talk.nowMs, {}, [{ first: 1, last: 10 }]);
      return talk.round();
    };
    talk.rounds(4);
    expect(smallRound()).toBe(4);
    talk.rate.unwatch(small);
    expect(smallRound()).toBe(8);
  });
});

describe("what is lost of a group", () => {
  it("is counted once for each who asks, however often it is asked for", () => {
    const losses = new Losses(0);
    const [one, other] = [{}, {}];
    for (let i = 1; i <= 100; i += 1) losses.sent(i);
    const missing = [
      { first: 3, last: 4 },
      { first: 9, last: 9 },
    ];
    losses.asked(0, one, missing);
    losses.asked(0, one, missing);
    losses.asked(0, other, missing);
    losses.asked(0, one, [...missing, { first: 50, last: 51 }]);
    expect(losses.takeRound()).toEqual({ sent: 100, lost: 5, missed: 5, asksEveryMs: 0 });
    losses.asked(0, one, missing);
    expect(losses.takeRound()).toEqual({ sent: 100, lost: 0, missed: 0, asksEveryMs: 0 });
  });

  it("is nothing that was never said, or was said long ago", () => {
    const losses = new Losses(1000);
    losses.asked(0, {}, [{ first: 1, last: 5000 }]);
    expect(losses.takeRound()).toEqual({ sent: 0, lost: 0, missed: 0, asksEveryMs: 0 });
    losses.sent(1001);
    losses.asked(0, {}, [{ first: 1, last: 5000 }]);
    expect(losses.takeRound()).toEqual({ sent: 1, lost: 1, missed: 1, asksEveryMs: 0 });
    for (let i = 0; i < 10; i += 1) losses.takeRound();
    losses.asked(0, {}, [{ first: 1, last: 5000 }]);
    expect(losses.takeRound().lost).toBe(0);
  });

  it("does not count again once something was done about it", () => {
    const losses = new Losses(0);
    const one = {};
    for (let i = 1; i <= 100; i += 1) losses.sent(i);
    losses.asked(0, one, [{ first: 1, last: 1 }]);
    losses.takeRound();
    losses.settle();
    losses.sent(101);
    losses.asked(80, one, [{ first: 2, last: 100 }]);
    expect(losses.takeRound()).toEqual({ sent: 1, lost: 0, missed: 99, asksEveryMs: 80 });
  });
});
