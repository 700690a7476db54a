import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { GroupBus, type GroupNode, isData, TEST_GROUP } from "../../../support/groupBus.js";

const { groupId } = TEST_GROUP;
const EARLIER_MS = 1_700_000_000_000;
const LATER_MS = EARLIER_MS + 60_000;

/** A device that was here, crashed, and is here again; `c` joins then. */
function restarted(seed: number): { bus: GroupBus; old: GroupNode; now: GroupNode; c: GroupNode } {
  const bus = new GroupBus(seed);
  const old = bus.add({ deviceSeed: 77, startedAtMs: EARLIER_MS });
  old.groups.join(bus.nowMs, TEST_GROUP);
  bus.run(3000);
  old.say(bus.nowMs, "yesterday's line");
  bus.run(500);
  bus.crash(old);
  const now = bus.add({ deviceSeed: 77, startedAtMs: LATER_MS });
  now.groups.join(bus.nowMs, TEST_GROUP);
  const c = bus.add();
  c.present = new Set([now.context.incarnation]);
  c.groups.join(bus.nowMs, TEST_GROUP);
  bus.run(3000);
  return { bus, old, now, c };
}

function replay(bus: GroupBus, of: GroupNode, to: GroupNode): void {
  for (const { bytes } of of.sent) to.groups.receive(bus.nowMs, of.received(bytes));
  bus.run(100);
}

describe("an earlier start of a device that is here", () => {
  it("is not brought back by a replay, and is asked to show itself", () => {
    const { bus, old, now, c } = restarted(1);
    const events = c.events.length;
    for (let i = 0; i < 8; i += 1) {
      replay(bus, old, c);
      bus.run(900);
    }
    expect(c.events.slice(events)).toEqual([]);
    expect(c.groups.members(groupId)).toMatchObject([
      { incarnation: now.context.incarnation, online: true },
    ]);
    expect(c.challenged).toEqual([`${old.address}:22400`]);
  });

  it("is taken when it showed itself: two processes of one user", () => {
    const { bus, old, now, c } = restarted(2);
    bus.nodes.push(old);
    bus.run(40_000);
    expect(c.groups.members(groupId)).toMatchObject([{ incarnation: now.context.incarnation }]);
    c.present?.add(old.context.incarnation);
    bus.run(40_000);
    old.say(bus.nowMs, "both of us live");
    bus.run(1000);
    expect(c.texts(old)).toContain("both of us live");
  });

  it("a later start is taken at once, its first line included", () => {
    const { bus, now, c } = restarted(3);
    const newest = bus.add({ deviceSeed: 77, startedAtMs: LATER_MS + 1 });
    c.present?.add(newest.context.incarnation);
    bus.crash(now);
    newest.groups.join(bus.nowMs, TEST_GROUP);
    // The line comes before the heartbeats.
    bus.weather = ({ bytes }) => (isData(bytes) ? [0.2] : [20]);
    newest.say(bus.nowMs, "first line");
    bus.run(3000);
    expect(c.texts(newest)).toEqual(["first line"]);
    expect(c.challenged).toEqual([]);
  });

  it("a later start that is met by its data alone is no news of who is online", () => {
    const { bus, now, c } = restarted(4);
    const newest = bus.add({ deviceSeed: 77, startedAtMs: LATER_MS + 1 });
    bus.crash(now);
    // Its heartbeats are lost at first.
    bus.weather = ({ bytes }) => (isData(bytes) ? [0.2] : []);
    newest.groups.join(bus.nowMs, TEST_GROUP);
    newest.say(bus.nowMs, "first line");
    bus.run(100);
    c.present?.add(newest.context.incarnation);
    newest.say(bus.nowMs, "second line");
    bus.run(100);
    expect(c.groups.members(groupId)).toMatchObject([{ online: true }]);
    bus.weather = () => [0.2];
    bus.run(5000);
    const changes = c.of("presence").map(({ change, online }) => `${change} ${online}`);
    expect(changes).toEqual(["join 2"]);
    expect(c.texts(newest)).toEqual(["first line", "second line"]);
  });

  it("is not asked because of a forged heartbeat", () => {
    const { bus, old, c } = restarted(4);
    for (const bytes of old.sentOf(DatagramType.groupHeartbeat)) {
      const forged = Uint8Array.from(bytes);
      forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
      c.groups.receive(bus.nowMs, old.received(forged));
    }
    expect(c.challenged).toEqual([]);
  });
});

describe("who is heard for the first time", () => {
  it("is shown when it has shown itself, with all that it said since it came", () => {
    const bus = new GroupBus(7);
    const [a] = bus.joined(1);
    if (a === undefined) return expect.unreachable();
    a.present = new Set();
    const newcomer = bus.add();
    newcomer.groups.join(bus.nowMs, TEST_GROUP);
    for (let i = 0; i < 5; i += 1) {
      newcomer.say(bus.nowMs, `line ${i}`);
      bus.run(100);
    }
    expect([a.texts(), a.of("presence"), a.groups.members(groupId)]).toEqual([[], [], []]);
    expect(a.challenged).toEqual([`${newcomer.address}:22400`]);
    a.present.add(newcomer.context.incarnation);
    bus.run(2000);
    expect(a.texts()).toEqual([0, 1, 2, 3, 4].map((i) => `line ${i}`));
    expect(a.of("presence").map(({ change }) => change)).toEqual(["join"]);
    return undefined;
  });

  it("is read from when we came, and was there before", () => {
    const bus = new GroupBus(8);
    bus.carriesSync = false; // or others bring what was before
    const [a] = bus.joined(1);
    if (a === undefined) return expect.unreachable();
    a.say(bus.nowMs, "before");
    bus.run(500);
    const late = bus.add();
    late.present = new Set();
    late.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(300);
    a.say(bus.nowMs, "while unproven");
    bus.run(200);
    late.present.add(a.context.incarnation);
    bus.run(3000);
    expect(late.texts()).toEqual(["while unproven"]);
    expect(late.of("presence").map(({ change }) => change)).toEqual(["online"]);
    return undefined;
  });

  it("is asked again every five seconds, while it speaks", () => {
    const bus = new GroupBus(9);
    const [a] = bus.joined(1);
    if (a === undefined) return expect.unreachable();
    a.present = new Set();
    const mute = bus.add();
    mute.groups.join(bus.nowMs, TEST_GROUP);
    for (let i = 0; i < 120; i += 1) {
      mute.say(bus.nowMs, `line ${i}`);
      bus.run(100);
    }
    expect(a.challenged.length).toBeGreaterThanOrEqual(2);
    expect(a.challenged.length).toBeLessThanOrEqual(3);
    return undefined;
  });

  it("may be another process of ours, if it started after us", () => {
    const bus = new GroupBus(10);
    const old = bus.add({ deviceSeed: 77, startedAtMs: EARLIER_MS });
    old.groups.join(bus.nowMs, TEST_GROUP);
    old.say(bus.nowMs, "old");
    bus.run(500);
    bus.crash(old);
    const node = bus.add({ deviceSeed: 77, startedAtMs: LATER_MS });
    node.present = new Set();
    node.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(3000);
    replay(bus, old, node);
    const twin = bus.add({ deviceSeed: 77, startedAtMs: LATER_MS + 1 });
    twin.groups.join(bus.nowMs, TEST_GROUP);
    twin.say(bus.nowMs, "twin");
    bus.run(3000);
    expect(node.texts()).toEqual(["twin"]);
    expect(node.challenged).toEqual([]);
  });
});

describe("a blocked device", () => {
  it("leaves all groups at once, costs no signature check, and repeats nothing when unblocked", () => {
    const bus = new GroupBus(5);
    const [a, b, c] = bus.joined(3);
    if (a === undefined || b === undefined || c === undefined) return expect.unreachable();
    b.say(bus.nowMs, "before");
    bus.run(500);
    a.blocked.add(b.device);
    a.groups.blocked(bus.nowMs, b.device);
    bus.poll(a);
    expect(a.of("presence").at(-1)).toMatchObject({ change: "leave", online: 2 });
    expect(a.groups.members(groupId).map(({ id }) => id)).toEqual([c.device]);
    const before = a.verifications;
    b.say(bus.nowMs, "you can't hear me");
    bus.run(500);
    expect(a.verifications).toBe(before);
    expect(a.context.counters.get("datagramsBlocked")).toBeGreaterThan(0);
    expect(c.texts(b)).toHaveLength(2);
    a.blocked.delete(b.device);
    b.say(bus.nowMs, "after");
    bus.run(60_000);
    expect(a.texts(b).filter((text) => text === "before")).toHaveLength(1);
    expect(a.texts(b).at(-1)).toBe("after");
    expect(a.groups.members(groupId)).toHaveLength(2);
    return undefined;
  });

  it("is not told to leave where we left ourselves", () => {
    const bus = new GroupBus(5);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) return expect.unreachable();
    a.groups.leave(bus.nowMs, groupId);
    bus.poll(a);
    const told = a.of("presence").length;
    a.blocked.add(b.device);
    a.groups.blocked(bus.nowMs, b.device);
    bus.poll(a);
    expect(a.of("presence")).toHaveLength(told);
    return undefined;
  });

  it("holds up nothing and takes no memory", () => {
    const bus = new GroupBus(6);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) return expect.unreachable();
    let lost = false;
    bus.weather = ({ bytes }) => {
      if (!isData(bytes) || lost) return [0.2];
      lost = true;
      return [];
    };
    b.say(bus.nowMs, "lost");
    bus.run(0);
    b.say(bus.nowMs, "held");
    bus.run(1);
    expect(a.groups.heldBytes).toBeGreaterThan(0);
    expect(a.groups.memberCount).toBe(1);
    a.blocked.add(b.device);
    a.groups.blocked(bus.nowMs, b.device);
    expect(a.groups.heldBytes).toBe(0);
    const sent = a.context.counters.get("nacksSent");
    bus.run(60_000);
    expect(a.context.counters.get("nacksSent")).toBe(sent);
    expect(a.of("gap")).toEqual([]);
    return undefined;
  });
});
