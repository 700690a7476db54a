import { describe, expect, it } from "vitest";
import type { HeldStream } from "../../../../src/core/groups/groupLog.js";
import { decodeUtf8 } from "../../../../src/wire/cursor.js";
import { decodeGroupData } from "../../../../src/wire/group.js";
import { GroupBus, type GroupNode, isData, TEST_GROUP } from "../../../support/groupBus.js";

const { groupId } = TEST_GROUP;
const STARTED_AT_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

/** As the driver does it, at a time of the bus. */
function forgetBefore(bus: GroupBus, node: GroupNode, beforeMs: number): void {
  node.groups.forgetBefore(bus.nowMs, STARTED_AT_MS + beforeMs);
  bus.poll(node);
}

/** What is kept, by the author. */
function kept(node: GroupNode, author: GroupNode): readonly Pick<HeldStream, "ranges">[] {
  return node.log.streams(groupId).filter(({ device }) => device === author.device);
}

function textsIn(bytes: Uint8Array): string[] {
  return decodeGroupData(bytes).entries.map(({ body }) => decodeUtf8(body));
}

/**
 * `keeps` has said, and kept, two lines, an hour passed, then one more; `forgets` was there, and keeps
 * what is younger than half an hour.
 */
function scene(seed: number) {
  const bus = new GroupBus(seed);
  const [keeps, forgets] = bus.joined(2);
  if (keeps === undefined || forgets === undefined) throw new Error("unreachable");
  for (const text of ["old 1", "old 2"]) {
    keeps.say(bus.nowMs, text);
    bus.run(1000);
  }
  bus.run(HOUR_MS);
  keeps.say(bus.nowMs, "young");
  bus.run(5000);
  expect(kept(forgets, keeps)).toMatchObject([{ ranges: [{ first: 1, last: 3 }] }]);
  return { bus, keeps, forgets };
}

/** The next start of a node. */
function restarted(bus: GroupBus, node: GroupNode): GroupNode {
  bus.crash(node);
  return bus.add({ deviceSeed: 2, log: node.log, startedAtMs: STARTED_AT_MS });
}

describe("what is too old", () => {
  it("is forgotten while its author goes on, and does not come back", () => {
    const { bus, keeps, forgets } = scene(1);
    forgetBefore(bus, forgets, bus.nowMs - HOUR_MS / 2);
    expect(kept(forgets, keeps)).toMatchObject([{ ranges: [{ first: 3, last: 3 }] }]);
    bus.run(10 * 60_000);
    expect(kept(forgets, keeps)).toMatchObject([{ ranges: [{ first: 3, last: 3 }] }]);
    expect(forgets.texts()).toEqual(["old 1", "old 2", "young"]);
    keeps.say(bus.nowMs, "younger");
    bus.run(1000);
    expect(forgets.texts().at(-1)).toBe("younger");
  });

  it("is forgotten by its author as well, who goes on with the next number", () => {
    const { bus, keeps, forgets } = scene(2);
    forgetBefore(bus, keeps, bus.nowMs + 1);
    expect(kept(keeps, keeps)).toEqual([]);
    keeps.say(bus.nowMs, "younger");
    bus.run(1000);
    expect(kept(keeps, keeps)).toMatchObject([{ ranges: [{ first: 4, last: 4 }] }]);
    expect(forgets.texts().at(-1)).toBe("younger");
    expect(forgets.of("gap")).toEqual([]);
  });

  it("is not taken from whoever offers it after a restart, and not asked for again and again", () => {
    const { bus, keeps, forgets } = scene(3);
    forgetBefore(bus, forgets, bus.nowMs - HOUR_MS / 2);
    const next = restarted(bus, forgets);
    // Not even what is young is left: all is asked for.
    next.log.forget(groupId, { device: keeps.device, incarnation: keeps.context.incarnation }, 3);
    forgetBefore(bus, next, bus.nowMs - HOUR_MS / 2);
    next.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(60_000);
    expect(next.texts()).toEqual(["young"]);
    expect(kept(next, keeps)).toMatchObject([{ ranges: [{ first: 3, last: 3 }] }]);
    expect(next.context.counters.get("groupDatagramsTooOld")).toBeGreaterThan(0);
    const { counters } = next.context;
    const asked = counters.get("syncsStarted");
    const tooOld = counters.get("groupDatagramsTooOld");
    bus.run(HOUR_MS / 4);
    expect(counters.get("syncsStarted") - asked).toBeLessThan(10);
    expect(counters.get("groupDatagramsTooOld")).toBe(tooOld);
  });

  it("is not even asked for where all that its author said is", () => {
    const { bus, keeps, forgets } = scene(4);
    const third = bus.add();
    third.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(5000);
    expect(third.texts()).toEqual(["old 1", "old 2", "young"]);
    bus.crash(keeps);
    const next = restarted(bus, forgets);
    const of = { device: keeps.device, incarnation: keeps.context.incarnation };
    next.log.forget(groupId, of, 3);
    forgetBefore(bus, next, bus.nowMs);
    next.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(60_000);
    expect(next.context.counters.get("syncsStarted")).toBeGreaterThan(0);
    expect(third.context.counters.get("syncDatagramsSent")).toBe(0);
    expect(next.texts()).toEqual([]);
  });

  it("is not taken as a repair either, in no order", () => {
    for (const isBehind of [true, false]) {
      const { bus, keeps, forgets } = scene(5);
      const data = keeps.sentOf(0x20).filter((bytes) => isData(bytes));
      const [first, second, young] = data.map((bytes) => bytes.slice());
      if (first === undefined || second === undefined || young === undefined) {
        return expect.unreachable();
      }
      expect([first, second, young].flatMap(textsIn)).toEqual(["old 1", "old 2", "young"]);
      bus.carriesSync = false;
      const next = restarted(bus, forgets);
      const of = { device: keeps.device, incarnation: keeps.context.incarnation };
      if (!isBehind) next.log.forget(groupId, of, 3);
      forgetBefore(bus, next, bus.nowMs - HOUR_MS / 2);
      next.groups.join(bus.nowMs, TEST_GROUP);
      bus.run(5000);
      for (const bytes of [second, first, young, first, second]) {
        next.groups.receive(bus.nowMs, keeps.received(bytes.slice()));
        bus.poll(next);
      }
      bus.run(5000);
      expect(next.texts().filter((text) => text.startsWith("old"))).toEqual([]);
      for (const { ranges } of kept(next, keeps)) expect(ranges).toEqual([{ first: 3, last: 3 }]);
    }
    return undefined;
  });

  it("is not asked of its author by who meets it late: what it says then is shown in order", () => {
    const { bus, keeps } = scene(6);
    bus.carriesSync = false;
    const late = bus.add({ startedAtMs: STARTED_AT_MS });
    // They do not hear each other at first.
    bus.weather = ({ from, to }) => (from === late || to === late ? [] : [0.2]);
    forgetBefore(bus, late, bus.nowMs - HOUR_MS / 2);
    late.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(10_000);
    bus.weather = () => [0.2];
    bus.run(60_000);
    keeps.say(bus.nowMs, "now");
    bus.run(5000);
    expect(late.texts()).toEqual(["young", "now"]);
    expect(late.of("gap")).toEqual([]);
  });

  it("is nothing that is said now, wherever the clock of its author stands", () => {
    const bus = new GroupBus(7);
    const listener = bus.add();
    forgetBefore(bus, listener, -HOUR_MS);
    listener.groups.join(0, TEST_GROUP);
    bus.run(5000);
    const from1970 = bus.add({ startedAtMs: 0 });
    from1970.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(1000);
    from1970.groups.say(groupId, {
      body: new TextEncoder().encode("hello"),
      sentAtMs: 1000,
      messageSequence: 1,
    });
    bus.run(1000);
    expect(listener.texts()).toEqual(["hello"]);
  });

  it("is measured by the time that goes on, and by that of the last call", () => {
    const { bus, keeps, forgets } = scene(8);
    const next = restarted(bus, forgets);
    const of = { device: keeps.device, incarnation: keeps.context.incarnation };
    next.log.forget(groupId, of, 3);
    // Half an hour later "young" is too old as well.
    forgetBefore(bus, next, bus.nowMs - HOUR_MS / 4);
    bus.run(HOUR_MS / 2);
    next.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(10_000);
    expect(next.texts()).toEqual([]);
    forgetBefore(bus, next, bus.nowMs - HOUR_MS / 4);
    keeps.say(bus.nowMs, "now");
    bus.run(5000);
    expect(next.texts()).toEqual(["now"]);
  });
});
