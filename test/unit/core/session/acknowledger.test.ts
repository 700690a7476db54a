import { describe, expect, it } from "vitest";
import { Acknowledger } from "../../../../src/core/session/acknowledger.js";
import { MAX_RANGES } from "../../../../src/wire/constants.js";

describe("repeats", () => {
  it("of a packet number are not new", () => {
    const acks = new Acknowledger(2048);
    for (const number of [0, 1, 5]) {
      expect(acks.isNew(number)).toBe(true);
      acks.received(0, number, "soon");
      expect(acks.isNew(number)).toBe(false);
    }
    expect(acks.isNew(3)).toBe(true);
  });

  it("below the window of 2048 are not new, whether they arrived or not", () => {
    const acks = new Acknowledger(2048);
    acks.received(0, 10_000, "soon");
    expect(acks.isNew(10_000 - 2048)).toBe(true);
    expect(acks.isNew(10_000 - 2049)).toBe(false);
  });

  it("are still known when there are more holes than an ACK has ranges", () => {
    const acks = new Acknowledger(2048);
    for (let i = 0; i < 500; i += 1) acks.received(0, 2 * i, "soon");
    for (let i = 0; i < 500; i += 1) expect(acks.isNew(2 * i)).toBe(false);
    expect(acks.isNew(997)).toBe(true);
    const { ranges } = acks.take(0, 1);
    expect(ranges).toHaveLength(MAX_RANGES);
    // Never more than what arrived: a hole that was acknowledged would be lost for good.
    for (const { first, last } of ranges) expect(first).toBe(last);
  });
});

describe("an acknowledgement", () => {
  it("is due 25 ms after the first packet and at once with the second", () => {
    const acks = new Acknowledger(2048);
    expect(acks.owed).toBe(false);
    acks.received(100, 0, "soon");
    expect(acks.dueAtMs).toBe(125);
    acks.received(110, 1, "soon");
    expect(acks.dueAtMs).toBe(110);
  });

  it("is not due for packets that elicit none", () => {
    const acks = new Acknowledger(2048);
    acks.received(100, 0, "nothing");
    acks.received(100, 5, "nothing");
    expect(acks.dueAtMs).toBe(Number.POSITIVE_INFINITY);
    expect(acks.owed).toBe(false);
  });

  it("is due at once for a packet out of order, and where it was asked for", () => {
    const disordered = new Acknowledger(2048);
    disordered.received(100, 1, "soon");
    expect(disordered.dueAtMs).toBe(100);
    const asked = new Acknowledger(2048);
    asked.received(100, 0, "now");
    expect(asked.dueAtMs).toBe(100);
  });

  it("names the ranges from the highest, the delay of the largest, and pays the debt", () => {
    const acks = new Acknowledger(2048);
    for (const number of [0, 1, 2, 7]) acks.received(100 + number, number, "soon");
    acks.received(120, 5, "soon");
    expect(acks.take(130, 64)).toMatchObject({
      delayUs: 23_000,
      creditDatagrams: 64,
      ranges: [
        { first: 7, last: 7 },
        { first: 5, last: 5 },
        { first: 0, last: 2 },
      ],
    });
    expect(acks.owed).toBe(false);
    expect(acks.dueAtMs).toBe(Number.POSITIVE_INFINITY);
  });
});
