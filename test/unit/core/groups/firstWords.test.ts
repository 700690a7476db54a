import { describe, expect, it } from "vitest";
import { DatagramType, MAX_RANGES } from "../../../../src/wire/constants.js";
import { encodeGroupHeartbeat } from "../../../../src/wire/group.js";
import {
  encodeGroupSync,
  encodeOpenSync,
  GroupSyncPurpose,
} from "../../../../src/wire/groupSync.js";
import { withSignature } from "../../../../src/wire/header.js";
import {
  GroupBus,
  type GroupNode,
  isData,
  multicastBus,
  noteRecord,
  TEST_GROUP,
} from "../../../support/groupBus.js";

const { groupId } = TEST_GROUP;

function forged(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
  return copy;
}

/** `a` is here, and has not seen whether anybody else is; of the newcomer only lines reach it. */
function unheard(seed: number): { bus: GroupBus; a: GroupNode; newcomer: GroupNode } {
  const bus = multicastBus(seed);
  const [a] = bus.joined(1);
  if (a === undefined) throw new Error("unreachable");
  a.present = new Set();
  const newcomer = bus.add();
  bus.weather = ({ from, to, bytes }) => {
    return from === newcomer && to === a && !isData(bytes) ? [] : [0.2];
  };
  newcomer.groups.join(bus.nowMs, TEST_GROUP);
  bus.run(5_000);
  return { bus, a, newcomer };
}

describe("who is heard first by what it says", () => {
  it("is remembered, and read from its first line when it has shown itself", () => {
    const { bus, a, newcomer } = unheard(1);
    newcomer.say(bus.nowMs, "one");
    bus.run(100);
    const { verifications } = a;
    newcomer.say(bus.nowMs, "two");
    bus.run(100);
    expect(a.verifications).toBe(verifications);
    expect([a.texts(), a.groups.members(groupId)]).toEqual([[], []]);
    a.present?.add(newcomer.context.incarnation);
    newcomer.say(bus.nowMs, "three");
    bus.run(3_000);
    expect(a.texts()).toEqual(["one", "two", "three"]);
    expect(a.of("gap")).toEqual([]);
  });

  it("is not remembered for a forged line, nor met by a goodbye", () => {
    const { bus, a, newcomer } = unheard(2);
    const before = newcomer.sent.length;
    bus.multicastBlocked = () => true;
    newcomer.say(bus.nowMs, "one");
    bus.run(100);
    const [line] = newcomer.sent.slice(before).filter(({ bytes }) => isData(bytes));
    a.groups.receive(bus.nowMs, newcomer.received(forged(line?.bytes ?? new Uint8Array(0))));
    expect(a.context.counters.get("datagramsForged")).toBe(1);
    const { identity, incarnation, name, startedAtMs } = newcomer.context;
    const goodbye = encodeGroupHeartbeat({
      groupId,
      device: identity.device,
      incarnation,
      sequence: 99,
      startedAtMs,
      lead: 1,
      trail: 1,
      name,
      dataPort: 22400,
      intervalMs: 1_000,
      digest: "00".repeat(8),
      hello: false,
      leaving: true,
      wantsCopies: false,
    });
    const { verifications } = a;
    a.groups.receive(bus.nowMs, newcomer.received(withSignature(goodbye, identity.sign(goodbye))));
    expect(a.verifications).toBe(verifications);
    expect([a.challenged, a.groups.members(groupId)]).toEqual([[], []]);
  });
});

describe("a line of somebody that we know from before a restart", () => {
  it("is added to history if it is genuine, before its author has shown itself", () => {
    const bus = multicastBus(3);
    const [a, author] = bus.joined(2);
    if (a === undefined || author === undefined) return expect.unreachable();
    author.say(bus.nowMs, "one");
    bus.run(500);
    bus.crash(a);
    const again = bus.add({ log: a.log, deviceSeed: 1, startedAtMs: 1_700_000_060_000 });
    again.present = new Set();
    again.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(1_000);
    const before = author.sent.length;
    bus.multicastBlocked = () => true;
    author.say(bus.nowMs, "two");
    bus.run(100);
    const [line] = author.sent.slice(before).filter(({ bytes }) => isData(bytes));
    const bytes = line?.bytes ?? new Uint8Array(0);
    again.groups.receive(bus.nowMs, author.received(forged(bytes)));
    bus.poll(again);
    expect(again.texts()).toEqual([]);
    again.groups.receive(bus.nowMs, author.received(bytes));
    bus.poll(again);
    expect(again.of("groupMessage")).toMatchObject([{ late: true }]);
    return undefined;
  });
});

describe("a member with many holes", () => {
  /** Of 300 lines of `a` every second one is lost once, and questions while `isDeaf`. */
  function holed(seed: number, isDeaf: (b: GroupNode) => boolean): { bus: GroupBus; b: GroupNode } {
    const bus = multicastBus(seed);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) throw new Error("unreachable");
    let told = 0;
    bus.weather = ({ from, bytes }) => {
      if (from === b && bytes[2] === DatagramType.groupNack) return isDeaf(b) ? [] : [0.2];
      if (from !== a || !isData(bytes) || told >= 300) return [0.2];
      told += 1;
      return told % 2 === 0 && told < 299 ? [] : [0.2];
    };
    for (let i = 0; i < 300; i += 1) {
      a.say(bus.nowMs, `line ${i}`);
      bus.run(0.1);
    }
    return { bus, b };
  }

  it("gives up, when nobody answers, no more of them than its questions named", () => {
    const { bus, b } = holed(8, (b) => b.of("gap").length === 0);
    bus.run(180_000);
    expect(b.of("gap").length).toBe(MAX_RANGES);
    expect(b.texts()).toHaveLength(300 - MAX_RANGES);
  });

  it("asks for as many as one NACK can name, then for the rest, and reports no gap", () => {
    const { bus, b } = holed(4, () => false);
    bus.run(20_000);
    expect(b.texts()).toEqual(Array.from({ length: 300 }, (_, i) => `line ${i}`));
    expect(b.of("gap")).toEqual([]);
    expect(b.context.counters.get("nacksSent")).toBeGreaterThan(1);
    expect(b.context.counters.get("nacksSent")).toBeLessThan(30);
  });
});

describe("a device that starts again and again", () => {
  it("is remembered in its last four starts, and shown once", () => {
    const bus = multicastBus(5);
    const [a] = bus.joined(1);
    if (a === undefined) return expect.unreachable();
    for (let start = 1; start <= 7; start += 1) {
      const node = bus.add({ deviceSeed: 77, startedAtMs: 1_700_000_000_000 + start });
      node.groups.join(bus.nowMs, TEST_GROUP);
      bus.run(3_000);
      node.say(bus.nowMs, `start ${start}`);
      bus.run(200);
      bus.crash(node);
    }
    expect(a.texts()).toEqual([1, 2, 3, 4, 5, 6, 7].map((start) => `start ${start}`));
    expect(a.groups.members(groupId)).toHaveLength(1);
    expect(a.groups.memberCount).toBe(4);
    return undefined;
  });
});

describe("who has said that it leaves", () => {
  it("repeats what it said, and hears, answers and shows nothing else", () => {
    const bus = new GroupBus(6);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) return expect.unreachable();
    b.say(bus.nowMs, "before");
    bus.run(1_000);
    a.groups.leave(bus.nowMs, groupId);
    const [notes, events, sent] = [a.notes.length, a.events.length, a.sent.length];
    b.say(bus.nowMs, "after");
    a.groups.interfacesChanged(bus.nowMs);
    a.groups.groupsAnnounced(bus.nowMs, { device: b.device, incarnation: b.context.incarnation }, [
      { groupId, digest: "ab".repeat(8) },
    ]);
    a.groups.leave(bus.nowMs, groupId);
    const ask = { purpose: GroupSyncPurpose.ask, request: 1, partial: false, streams: [] };
    const body = encodeOpenSync(groupId, encodeGroupSync(ask));
    a.groups.receiveNote(bus.nowMs, b.ref, noteRecord("groupSync", body));
    bus.run(600);
    expect(a.groups.members(groupId)).toEqual([]);
    expect(a.groups.mentions()).toEqual([]);
    expect(a.groups.transportOf(groupId)).toBeUndefined();
    expect(a.notes.length).toBe(notes);
    expect(a.events.slice(events).map(({ kind }) => kind)).toEqual([]);
    expect(new Set(a.sent.slice(sent).map(({ bytes }) => bytes[2]))).toEqual(
      new Set([DatagramType.groupHeartbeat]),
    );
    bus.run(60_000);
    expect(a.of("groupLeft")).toHaveLength(1);
    return undefined;
  });

  it("does not stand in for others", () => {
    const bus = multicastBus(7);
    const [a, author, d] = bus.joined(3);
    if (a === undefined || author === undefined || d === undefined) return expect.unreachable();
    bus.weather = ({ from, to, bytes }) => {
      return from === author && to === d && isData(bytes) ? [] : [0.2];
    };
    author.say(bus.nowMs, "only once");
    bus.run(101); // the heartbeat behind it tells that there is a line
    a.groups.leave(bus.nowMs, groupId);
    bus.crash(author);
    const before = a.sentOf(DatagramType.groupData).length;
    bus.run(30_000);
    expect(d.context.counters.get("nacksSent")).toBeGreaterThan(0);
    expect(a.sentOf(DatagramType.groupData).length).toBe(before);
    expect(d.texts()).toEqual([]);
    return undefined;
  });
});
