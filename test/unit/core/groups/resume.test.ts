import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { decodeGroupData, decodeGroupNack } from "../../../../src/wire/group.js";
import {
  type GroupBus,
  type GroupNode,
  isData,
  multicastBus,
  TEST_GROUP,
} from "../../../support/groupBus.js";

const { groupId } = TEST_GROUP;

/** Two that talk; `b` crashes after `heard` lines and comes back after `missed` more. */
function restarted(
  seed: number,
  { heard, missed }: { heard: number; missed: number },
): { bus: GroupBus; a: GroupNode; old: GroupNode; b: GroupNode } {
  const bus = multicastBus(seed);
  const [a, old] = bus.joined(2);
  if (a === undefined || old === undefined) throw new Error("unreachable");
  const talk = (count: number) => {
    for (let i = 0; i < count; i += 1) {
      a.say(bus.nowMs, `line ${a.of("groupSaid").length}`);
      bus.run(10);
    }
  };
  talk(heard);
  bus.crash(old);
  talk(missed);
  const b = bus.add({ deviceSeed: 2, log: old.log });
  return { bus, a, old, b };
}

describe("a restarted member", () => {
  it("goes on behind what it has; what it missed others bring, or it asks for it: both are late", () => {
    for (const carriesSync of [true, false]) {
      const { bus, a, old, b } = restarted(1, { heard: 3, missed: 3 });
      bus.carriesSync = carriesSync;
      b.groups.join(bus.nowMs, TEST_GROUP);
      bus.run(20_000);
      a.say(bus.nowMs, "live");
      bus.run(1000);
      expect(old.texts()).toEqual(["line 0", "line 1", "line 2"]);
      expect(b.texts()).toEqual(["line 3", "line 4", "line 5", "live"]);
      expect(b.of("groupMessage").map(({ late }) => late)).toEqual([true, true, true, false]);
      expect(b.of("presence").map(({ change }) => change)).toEqual(["online"]);
      const asked = b.sentOf(DatagramType.groupNack).map((bytes) => decodeGroupNack(bytes).missing);
      expect(asked).toEqual(carriesSync ? [] : [[{ first: 4, last: 6 }]]);
      expect(a.groups.mentions()).toEqual(b.groups.mentions());
    }
  });

  it("is not shown again what it was shown, by repairs or by a recording of everything", () => {
    const { bus, a, b } = restarted(2, { heard: 3, missed: 0 });
    b.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(3000);
    for (const { bytes } of a.sent) b.groups.receive(bus.nowMs, a.received(bytes));
    bus.run(1000);
    expect(b.texts()).toEqual([]);
    expect(b.of("gap")).toEqual([]);
  });

  it("has the beginning of a message that a crash cut", () => {
    const bus = multicastBus(3);
    const limits = {
      groupBitsPerSecond: 80_000,
      groupMaxBitsPerSecond: 80_000,
      groupBurstBytes: 2400,
    };
    const [a, old] = bus.joined(2, { limits });
    if (a === undefined || old === undefined) return expect.unreachable();
    const long = "0123456789abcdef".repeat(1000);
    a.say(bus.nowMs, long);
    bus.run(600);
    expect(old.of("groupDatagram").length).toBeGreaterThan(3);
    bus.crash(old);
    bus.run(200);
    const b = bus.add({ deviceSeed: 2, log: old.log, limits });
    b.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(20_000);
    expect(old.texts()).toEqual([]);
    expect(b.texts()).toEqual([long]);
    expect(b.of("gap")).toEqual([]);
    return undefined;
  });

  it("repeats what it said before", () => {
    const bus = multicastBus(4);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) return expect.unreachable();
    bus.weather = ({ bytes }) => (isData(bytes) ? [] : [0.2]);
    a.say(bus.nowMs, "nobody got this");
    bus.run(150); // the heartbeat arrives
    bus.crash(a);
    bus.weather = () => [0.2];
    const again = bus.add({ deviceSeed: 1, log: a.log, startedAtMs: 1_700_000_001_000 });
    again.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(5000);
    expect(b.texts()).toEqual(["nobody got this"]);
    return undefined;
  });
});

describe("somebody whom we know from before, and who has not shown that it is running", () => {
  it("adds to history, late and once, and is not shown online", () => {
    const { bus, a, b } = restarted(5, { heard: 2, missed: 1 });
    b.present = new Set();
    b.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(3000);
    expect(b.texts()).toEqual([]);
    const recording = a.sentOf(DatagramType.groupData).at(-1);
    if (recording === undefined) return expect.unreachable();
    for (let i = 0; i < 3; i += 1) b.groups.receive(bus.nowMs, a.received(recording));
    bus.run(100);
    expect(b.texts()).toEqual(["line 2"]);
    expect(b.of("groupMessage").map(({ late }) => late)).toEqual([true]);
    expect(b.of("presence")).toEqual([]);
    expect(b.groups.members(groupId)).toEqual([]);
    b.present.add(a.context.incarnation);
    bus.run(10_000);
    a.say(bus.nowMs, "live");
    bus.run(1000);
    expect(b.texts()).toEqual(["line 2", "live"]);
    expect(b.of("groupMessage").at(-1)?.late).toBe(false);
    return undefined;
  });

  it("is heard in order when it has: what would leave a hole is not taken before", () => {
    const { bus, a, b } = restarted(8, { heard: 2, missed: 3 });
    b.present = new Set();
    b.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(3000);
    const latest = a.sentOf(DatagramType.groupData).at(-1);
    if (latest === undefined) return expect.unreachable();
    b.groups.receive(bus.nowMs, a.received(latest));
    bus.run(100);
    expect(b.texts()).toEqual([]);
    b.present.add(a.context.incarnation);
    bus.run(20_000);
    expect(b.texts()).toEqual(["line 2", "line 3", "line 4"]);
    return undefined;
  });

  it("nor does a recording of a member that is gone bring it back, or pass for new", () => {
    const bus = multicastBus(6);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) return expect.unreachable();
    bus.weather = () => [];
    a.say(bus.nowMs, "recorded");
    bus.run(10);
    bus.crash(a);
    bus.weather = () => [0.2];
    bus.run(300_000);
    expect(b.groups.members(groupId)).toMatchObject([{ online: false }]);
    b.present = new Set();
    const recording = a.sentOf(DatagramType.groupData).at(-1);
    if (recording === undefined) return expect.unreachable();
    b.groups.receive(bus.nowMs, a.received(recording));
    bus.run(100);
    expect(b.of("groupMessage")).toMatchObject([{ late: true }]);
    expect(b.groups.members(groupId)).toMatchObject([{ online: false }]);
    return undefined;
  });
});

describe("a message that spans datagrams", () => {
  it("is told when its last piece comes, whichever that is", () => {
    const bus = multicastBus(7);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) return expect.unreachable();
    // The second of four is nowhere, until it is passed over.
    let isBack = false;
    bus.weather = ({ from, bytes }) => {
      const isLost = isData(bytes) && decodeGroupData(bytes).sequence === 2;
      return (isLost && !isBack) || (from === b && !isBack) ? [] : [0.2];
    };
    const long = "abcdefgh".repeat(400);
    a.say(bus.nowMs, long);
    a.say(bus.nowMs, "behind it");
    bus.run(120_000);
    expect(b.of("gap").map(({ count }) => count)).toEqual([1]);
    expect(b.texts()).toEqual(["behind it"]);
    isBack = true;
    const second = a.sentOf(DatagramType.groupData)[1];
    if (second === undefined) return expect.unreachable();
    b.groups.receive(bus.nowMs, a.received(second));
    b.groups.receive(bus.nowMs, a.received(second));
    bus.run(10);
    expect(b.texts()).toEqual(["behind it", long]);
    expect(b.of("groupMessage").map(({ late }) => late)).toEqual([false, true]);
    return undefined;
  });
});
