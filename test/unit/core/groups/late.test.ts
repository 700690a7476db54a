import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { GroupBus, type GroupNode, isData, TEST_GROUP } from "../../../support/groupBus.js";

/** What a node was told of an author, and whether as late. */
function told(node: GroupNode, author: GroupNode): string[] {
  const texts = node.texts(author);
  const lates = node.of("groupMessage").filter(({ from }) => from.id === author.device);
  return texts.map((text, i) => (lates[i]?.late === true ? `${text} (late)` : text));
}

function members(bus: GroupBus): [GroupNode, GroupNode, GroupNode] {
  const [a, b, c] = bus.joined(3);
  if (a === undefined || b === undefined || c === undefined) throw new Error("unreachable");
  return [a, b, c];
}

describe("a line that is lost while we are there", () => {
  it("comes by a repair, before members synchronise, and is not late", () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const bus = new GroupBus(seed);
      const [a, b, c] = members(bus);
      bus.run(1000 + 50 * seed);
      const isLost = seed % 2 === 0 ? [c] : [b, c];
      bus.weather = ({ from, to, bytes }) =>
        from === a && isLost.includes(to) && isData(bytes) ? [] : [0.2];
      a.say(bus.nowMs, "live");
      bus.run(2);
      bus.weather = () => [0.2];
      bus.run(3000);
      for (const node of [b, c]) expect(told(node, a), `seed ${seed}`).toEqual(["live"]);
      const nacks = [b, c].flatMap((node) => node.sentOf(DatagramType.groupNack));
      expect(nacks.length, `seed ${seed}`).toBeGreaterThan(0);
      for (const node of bus.nodes) expect(node.context.counters.get("syncsStarted")).toBe(0);
    }
  });

  it("is not fetched before its author can have told that it exists", () => {
    const bus = new GroupBus(29);
    const [a, b, c] = members(bus);
    bus.run(5000);
    bus.weather = ({ from, to }) => (from === a && to === c ? [] : [0.2]);
    a.say(bus.nowMs, "live");
    bus.run(10);
    // By its answer to somebody new b shows that it holds more than c.
    bus.add().groups.join(bus.nowMs, TEST_GROUP);
    bus.run(300);
    expect(b.context.counters.get("groupHeartbeatsSent")).toBeGreaterThan(4);
    bus.weather = () => [0.2];
    bus.run(3000);
    expect(told(c, a)).toEqual(["live"]);
    expect(c.context.counters.get("syncsStarted")).toBe(0);
    expect(c.sentOf(DatagramType.groupNack)).toHaveLength(1);
  });

  it("is brought by others if asking for it brings nothing, and is not late either", () => {
    const bus = new GroupBus(30);
    const [a, b, c] = members(bus);
    bus.run(2000);
    // Nothing that a said reaches c, whoever repeats it: but that it exists does.
    bus.weather = ({ to, bytes }) => (to === c && isData(bytes) ? [] : [0.2]);
    a.say(bus.nowMs, "live");
    bus.run(2500); // there is no hope in NACKs for longer
    expect(told(c, a)).toEqual(["live"]);
    expect(c.sentOf(DatagramType.groupNack).length).toBeGreaterThanOrEqual(3);
    expect(c.context.counters.get("datagramsSynced")).toBe(1);
    expect(told(b, a)).toEqual(["live"]);
  });

  it("is not late although its author has left", () => {
    const bus = new GroupBus(31);
    bus.carriesSync = false;
    const [a, b, c] = members(bus);
    bus.run(2000);
    bus.weather = ({ to, bytes }) => (to === c && isData(bytes) ? [] : [0.2]);
    a.say(bus.nowMs, "bye");
    a.groups.leave(bus.nowMs, TEST_GROUP.groupId);
    bus.run(20);
    expect(c.of("presence").map(({ change }) => change)).toContain("leave");
    bus.weather = () => [0.2];
    bus.run(2000);
    for (const node of [b, c]) expect(told(node, a)).toEqual(["bye"]);
  });
});

describe("a line that was said before we came", () => {
  it("is late, also of somebody who came a moment before us", () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const bus = new GroupBus(100 + seed);
      bus.carriesSync = seed % 2 === 0;
      const a = bus.add();
      a.groups.join(bus.nowMs, TEST_GROUP);
      bus.run(30 * seed);
      a.say(bus.nowMs, "before");
      bus.run(5);
      const b = bus.add();
      b.groups.join(bus.nowMs, TEST_GROUP);
      bus.run(1 + 20 * seed);
      a.say(bus.nowMs, "live");
      bus.run(4000);
      a.say(bus.nowMs, "live too");
      bus.run(100);
      const lines = told(b, a).toSorted();
      expect(lines, `seed ${seed}`).toContain("live");
      expect(lines, `seed ${seed}`).toContain("live too");
      if (bus.carriesSync) expect(lines, `seed ${seed}`).toContain("before (late)");
      expect(lines, `seed ${seed}`).not.toContain("before");
    }
  });

  it("is late when it is repeated to somebody else in the moment in which we come", () => {
    const bus = new GroupBus(41);
    bus.carriesSync = false;
    const a = bus.add();
    a.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(5000);
    a.say(bus.nowMs, "before");
    a.groups.flush(bus.nowMs);
    bus.run(50);
    const [recorded] = a.sentOf(DatagramType.groupData);
    if (recorded === undefined) return expect.unreachable();
    const b = bus.add();
    b.groups.join(bus.nowMs, TEST_GROUP);
    b.groups.receive(bus.nowMs, a.received(recorded));
    bus.run(500);
    a.say(bus.nowMs, "live");
    bus.run(500);
    expect(told(b, a)).toEqual(["before (late)", "live"]);
    return undefined;
  });

  it("is not late if its author came after us, and its first words were lost", () => {
    const bus = new GroupBus(42);
    const b = bus.add();
    b.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(5000);
    const a = bus.add();
    bus.weather = () => [];
    a.groups.join(bus.nowMs, TEST_GROUP);
    a.say(bus.nowMs, "first words");
    bus.run(50);
    bus.weather = () => [0.2];
    bus.run(3000);
    expect(told(b, a)).toEqual(["first words"]);
  });

  it("is not late if its author came after us with a clock that is slow", () => {
    const bus = new GroupBus(43);
    const b = bus.add();
    b.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(5000);
    const a = bus.add();
    bus.weather = () => [];
    a.groups.join(bus.nowMs, TEST_GROUP);
    const line = { sentAtMs: 1_600_000_000_000, messageSequence: 1 };
    a.groups.say(TEST_GROUP.groupId, { ...line, body: new TextEncoder().encode("first words") });
    bus.run(50);
    bus.weather = () => [0.2];
    bus.run(3000);
    expect(told(b, a)).toEqual(["first words"]);
  });
});

describe("a member that was away", () => {
  /** `b` keeps the first line, misses `missed` more while it is off, and is back. */
  function back(seed: number, missed: number): { bus: GroupBus; a: GroupNode; b: GroupNode } {
    const bus = new GroupBus(seed);
    const [a, old] = bus.joined(2);
    if (a === undefined || old === undefined) throw new Error("unreachable");
    a.say(bus.nowMs, "kept");
    bus.run(2000);
    bus.crash(old);
    for (let i = 0; i < missed; i += 1) {
      a.say(bus.nowMs, `missed ${i} ${"x".repeat(900)}`);
      bus.run(20);
    }
    bus.run(2000);
    return { bus, a, b: bus.add({ deviceSeed: 2, log: old.log }) };
  }

  it.each([3, 400])("hears at once what is said now, if it missed %s lines", (missed) => {
    const { bus, a, b } = back(50, missed);
    bus.weather = ({ bytes }) => (bytes[0] === 0xf9 ? [0.2] : [60]); // sessions are slow
    b.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(330);
    a.say(bus.nowMs, "live");
    bus.run(10);
    expect(told(b, a)).toContain("live");
    bus.run(5000);
    expect(b.texts(a)).toHaveLength(missed + 1);
    expect(told(b, a).filter((line) => !line.endsWith("(late)"))).toEqual(["live"]);
  });

  it("waits for others no longer than 3 s: then it asks for what is missing", () => {
    const { bus, a, b } = back(51, 3);
    bus.carriesSync = false;
    b.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(2900);
    expect(b.sentOf(DatagramType.groupNack)).toEqual([]);
    bus.run(1000);
    expect(told(b, a).every((line) => line.endsWith("(late)"))).toBe(true);
    expect(told(b, a)).toHaveLength(3);
  });

  it("does not hold back what is said now for what others can't bring either, if that is much", () => {
    const { bus, a, b } = back(52, 400);
    bus.carriesSync = false;
    b.groups.join(bus.nowMs, TEST_GROUP);
    bus.weather = ({ to, bytes }) => (to === b && isData(bytes) ? [] : [0.2]);
    bus.run(5000);
    bus.weather = () => [0.2];
    a.say(bus.nowMs, "live");
    bus.run(500);
    expect(told(b, a)).toContain("live");
    expect(told(b, a).length).toBeLessThan(300);
  });
});

describe("somebody from whom we were cut off", () => {
  it("said late what it said meanwhile, if we did not meet it before either", () => {
    const bus = new GroupBus(61);
    bus.carriesSync = false;
    const [a, old] = members(bus);
    a.say(bus.nowMs, "kept");
    bus.run(2000);
    bus.crash(old);
    const b = bus.add({ deviceSeed: 2, log: old.log });
    bus.weather = ({ from, to }) => (from === a || to === a ? [] : [0.2]);
    b.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(20_000);
    a.say(bus.nowMs, "alone");
    bus.run(20_000);
    bus.weather = () => [0.2];
    a.say(bus.nowMs, "together");
    bus.run(30_000);
    expect(told(b, a)).toEqual(["alone (late)", "together"]);
  });

  it.each([
    { heardFirst: "its heartbeat", afterMs: 60_000 },
    { heardFirst: "what it says now", afterMs: 0 },
  ])("said late what it said meanwhile, and no later line: first comes $heardFirst", (how) => {
    const bus = new GroupBus(60);
    bus.carriesSync = false;
    const [a, b] = members(bus);
    bus.run(2000);
    bus.weather = ({ from, to }) => (from === a || to === a ? [] : [0.2]);
    bus.run(60_000);
    a.say(bus.nowMs, "alone");
    bus.run(80_000);
    expect(b.groups.members(TEST_GROUP.groupId).find(({ id }) => id === a.device)?.online).toBe(
      false,
    );
    bus.weather = () => [0.2];
    bus.run(how.afterMs);
    a.say(bus.nowMs, "together");
    bus.run(1000);
    expect(told(b, a)).toEqual(["alone (late)", "together"]);
  });
});
