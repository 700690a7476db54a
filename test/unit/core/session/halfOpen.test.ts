import { describe, expect, it } from "vitest";
import { type HalfOpen, HalfOpenTable } from "../../../../src/core/session/halfOpen.js";
import { clearSuite } from "../../../support/clearSuite.js";
import { SeededRandom } from "../../../support/seededRandom.js";

const nothing = new Uint8Array(0);

const init = (senderIndex: number, message = nothing) => ({
  senderIndex,
  suite: 1,
  cookie: nothing,
  message,
});

function entry(localIndex: number, startedAtMs = 0, address = "10.0.0.1"): HalfOpen {
  return {
    localIndex,
    remoteIndex: 7,
    from: { address, port: localIndex },
    message: nothing,
    handshake: clearSuite.respond(nothing, nothing, new SeededRandom(1)),
    response: nothing,
    startedAtMs,
  };
}

describe("half-open handshakes", () => {
  it("are found by our index, and by initiator, its index and its message", () => {
    const table = new HalfOpenTable(4);
    const one = entry(1);
    table.add(0, one);
    expect(table.byLocalIndex(1)).toBe(one);
    expect(table.byInitiator(one.from, init(7))).toBe(one);
    expect(table.byInitiator(one.from, init(8))).toBeUndefined();
    expect(table.byInitiator(one.from, init(7, Uint8Array.of(1)))).toBeUndefined();
    expect(table.byInitiator({ address: "10.0.0.2", port: 1 }, init(7))).toBeUndefined();
    table.remove(one);
    expect(table.byLocalIndex(1)).toBeUndefined();
    expect(table.byInitiator(one.from, init(7))).toBeUndefined();
  });

  it("push the oldest out when there are too many", () => {
    const table = new HalfOpenTable(3);
    for (let index = 1; index <= 5; index += 1) table.add(0, entry(index));
    const known = [1, 2, 3, 4, 5].map((index) => table.byLocalIndex(index) !== undefined);
    expect(known).toEqual([false, false, true, true, true]);
    expect(table.byInitiator(entry(1).from, init(7))).toBeUndefined();
  });

  it("push the oldest out of the address that has most of them", () => {
    const table = new HalfOpenTable(4);
    table.add(0, entry(1, 0, "10.0.0.9"));
    for (let index = 2; index <= 100; index += 1) table.add(0, entry(index));
    table.add(0, entry(101, 0, "10.0.0.8"));
    const known = [1, 98, 99, 100, 101].map((index) => table.byLocalIndex(index) !== undefined);
    expect(known).toEqual([true, false, true, true, true]);
    expect(table.size).toBe(4);
  });

  it("that are too old go with the next one, however few there are", () => {
    const table = new HalfOpenTable(3);
    table.add(0, entry(1));
    table.add(10_000, entry(2, 10_000));
    expect(table.size).toBe(1);
  });

  it("live for 10 s", () => {
    const table = new HalfOpenTable(3);
    table.add(0, entry(1));
    table.add(5_000, entry(2, 5_000));
    table.expire(9_999);
    expect(table.byLocalIndex(1)).toBeDefined();
    table.expire(10_000);
    expect(table.byLocalIndex(1)).toBeUndefined();
    expect(table.byLocalIndex(2)).toBeDefined();
  });
});
