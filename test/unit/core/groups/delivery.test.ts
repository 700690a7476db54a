import { describe, expect, it } from "vitest";
import type { Limits } from "../../../../src/core/limits.js";
import { DatagramType, MAX_DATAGRAM_BYTES } from "../../../../src/wire/constants.js";
import { decodeGroupData } from "../../../../src/wire/group.js";
import { GroupBus, isData, multicastBus, TEST_GROUP } from "../../../support/groupBus.js";

const data = DatagramType.groupData;

describe("group delivery", () => {
  it("coalesces the lines of one turn and signs them once", () => {
    const bus = new GroupBus(1);
    const [a, b] = bus.joined(2);
    for (let i = 0; i < 20; i += 1) a?.say(bus.nowMs, `line ${i}`);
    bus.run(1);
    expect(a?.sentOf(data)).toHaveLength(1);
    expect(b?.texts()).toEqual(Array.from({ length: 20 }, (_, i) => `line ${i}`));
  });

  it("does not cut a line that fits a datagram of its own", () => {
    const bus = new GroupBus(1);
    const [a, b] = bus.joined(2);
    a?.say(bus.nowMs, "x".repeat(600));
    a?.say(bus.nowMs, "y".repeat(600));
    bus.run(1);
    const entries = a?.sentOf(data).map((bytes) => decodeGroupData(bytes).entries.length);
    expect(entries).toEqual([1, 1]);
    expect(b?.texts()).toEqual(["x".repeat(600), "y".repeat(600)]);
  });

  it("carries a message of 65,536 bytes among short ones, under loss and reordering", () => {
    const bus = new GroupBus(2);
    const [a, b] = bus.joined(2);
    bus.weather = bus.roughWeather({ loss: 0.2, duplication: 0.2, delayMs: 8 });
    const long = "0123456789abcdef".repeat(4096);
    for (const text of ["before", long, "after"]) a?.say(bus.nowMs, text);
    bus.run(10_000);
    expect(b?.texts()).toEqual(["before", long, "after"]);
    for (const bytes of a?.sentOf(data) ?? []) {
      expect(bytes.length).toBeLessThanOrEqual(MAX_DATAGRAM_BYTES);
    }
  });

  it("refuses more than 65,536 bytes, more than 1 MiB waiting, and groups it is not in", () => {
    const bus = new GroupBus(1);
    const [a] = bus.joined(1);
    const code = (name: string) => expect.objectContaining({ code: name });
    expect(() => a?.say(0, "x".repeat(65_537))).toThrow(code("MESSAGE_TOO_LARGE"));
    for (let i = 0; i < 15; i += 1) a?.say(0, "x".repeat(65_536));
    expect(() => a?.say(0, "x".repeat(65_536))).toThrow(code("LIMIT_REACHED"));
    a?.groups.leave(bus.nowMs, TEST_GROUP.groupId);
    expect(() => a?.say(0, "x")).toThrow(code("NOT_A_MEMBER"));
  });

  it.each([1, 2, 3])(
    "three members hold all 200 lines each, three in ten lost (seed %i)",
    (seed) => {
      const bus = new GroupBus(seed);
      const nodes = bus.joined(3);
      bus.weather = bus.roughWeather({ loss: 0.3, duplication: 0.1, delayMs: 10 });
      for (let i = 0; i < 200; i += 1) {
        for (const node of nodes) node.say(bus.nowMs, `line ${i}`);
        bus.run(5);
      }
      bus.run(30_000);
      const all = Array.from({ length: 200 }, (_, i) => `line ${i}`);
      for (const node of nodes) {
        for (const other of nodes) if (other !== node) expect(node.texts(other)).toEqual(all);
        expect(node.of("gap")).toEqual([]);
      }
      bus.weather = () => [0.2];
      bus.run(40_000);
      expect(new Set(nodes.map((node) => node.groups.mentions()[0]?.digest)).size).toBe(1);
    },
  );

  it("spends the token bucket and no more, repairs included", () => {
    const bus = new GroupBus(4);
    const [a, b] = bus.joined(2, {
      limits: { groupBitsPerSecond: 80_000, groupMaxBitsPerSecond: 80_000, groupBurstBytes: 2400 },
    });
    bus.weather = ({ bytes }) => (isData(bytes) && bus.random.uniform() < 0.3 ? [] : [0.2]);
    const startMs = bus.nowMs;
    a?.say(startMs, "x".repeat(30_000));
    bus.run(2000);
    const sentBytes = (a?.sentOf(data) ?? []).reduce((sum, bytes) => sum + bytes.length, 0);
    expect(sentBytes).toBeLessThanOrEqual(2400 + 2 * 10_000);
    expect(sentBytes).toBeGreaterThan(17_000);
    bus.run(10_000);
    expect(b?.texts()).toEqual(["x".repeat(30_000)]);
  });

  it("packs what is said in one turn: a dozen lines of 64 bytes share a signature", () => {
    const bus = new GroupBus(4);
    const [a, b] = bus.joined(2);
    for (let i = 0; i < 48; i += 1) a?.say(bus.nowMs, "x".repeat(64));
    const before = b?.verifications ?? 0;
    bus.run(5);
    const entries = a?.sentOf(data).map((bytes) => decodeGroupData(bytes).entries.length);
    expect(entries).toEqual([12, 12, 12, 12]);
    expect((b?.verifications ?? 0) - before).toBe(4);
    expect(b?.texts()).toHaveLength(48);
  });

  it("sends no more at once than whoever hears it reads in one turn", () => {
    const bus = new GroupBus(4);
    const [a] = bus.joined(2);
    for (let i = 0; i < 50; i += 1) a?.say(bus.nowMs, "x".repeat(900));
    const startMs = bus.nowMs;
    bus.run(10);
    const times = (a?.sent ?? []).filter(({ bytes }) => isData(bytes)).map(({ atMs }) => atMs);
    expect(times).toHaveLength(50);
    for (let ms = 0; ms < 10; ms += 1) {
      const now = times.filter((atMs) => Math.floor(atMs - startMs) === ms);
      expect(now.length).toBeLessThanOrEqual(20);
    }
  });

  it("gives each group its turn", () => {
    const bus = new GroupBus(4);
    const [a] = bus.joined(1, {
      limits: { groupBitsPerSecond: 80_000, groupMaxBitsPerSecond: 80_000, groupBurstBytes: 1200 },
    });
    const other = { ...TEST_GROUP, groupId: "00112233445566aa", label: "#other" };
    a?.groups.join(bus.nowMs, other);
    a?.say(bus.nowMs, "x".repeat(60_000));
    bus.run(100);
    const line = { body: new Uint8Array(3), sentAtMs: 1, messageSequence: 9 };
    a?.groups.say(other.groupId, line);
    bus.run(300);
    const ids = a?.sentOf(data).map((bytes) => decodeGroupData(bytes).groupId);
    expect(ids).toContain(other.groupId);
  });
});

describe("repair", () => {
  it("one NACK silences the others", () => {
    const bus = multicastBus(5);
    const nodes = bus.joined(30);
    const [a, ...others] = nodes;
    let lost = true;
    bus.weather = ({ bytes }) => (lost && isData(bytes) ? [] : [0.2]);
    a?.say(bus.nowMs, "lost");
    bus.run(1);
    lost = false;
    bus.run(5000);
    for (const other of others) expect(other.texts()).toEqual(["lost"]);
    const nacks = others.reduce((sum, node) => sum + node.sentOf(DatagramType.groupNack).length, 0);
    expect(nacks).toBeGreaterThan(0);
    expect(nacks).toBeLessThanOrEqual(6);
    const suppressed = others.map((node) => node.context.counters.get("nacksSuppressed"));
    expect(suppressed.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(20);
    expect(a?.context.counters.get("repairsSent")).toBe(1);
  });

  it("tells again what there is: who missed the heartbeat and the repair as well need not wait", () => {
    const bus = multicastBus(7);
    const [a, b, c] = bus.joined(3);
    if (a === undefined || b === undefined || c === undefined) return expect.unreachable();
    bus.weather = ({ from }) => (from === a ? [] : [0.2]);
    for (const text of ["line 1", "line 2"]) {
      a.say(bus.nowMs, text);
      bus.run(20_000);
    }
    bus.weather = ({ from, to }) => (from === a && to === c ? [] : [0.2]);
    for (let i = 0; i < 400 && b.texts(a).length < 2; i += 1) bus.run(100);
    expect(b.texts(a)).toEqual(["line 1", "line 2"]);
    expect(c.texts(a)).toEqual([]);
    bus.weather = () => [0.2];
    bus.run(5000); // a steady heartbeat would come after 22 s or later
    expect(c.texts(a)).toEqual(["line 1", "line 2"]);
    return undefined;
  });

  it("reports a gap when the sender cannot repeat it any more, and goes on behind it", () => {
    const bus = multicastBus(6);
    const [a, b] = bus.joined(2, { limits: { groupLogDatagrams: 8 } });
    bus.weather = ({ bytes }) => (isData(bytes) ? [] : [0.2]);
    for (let i = 1; i <= 3; i += 1) {
      a?.say(bus.nowMs, `line ${i}`);
      bus.run(1);
    }
    bus.run(12_000); // no faster: what was said is not forgotten so soon
    bus.weather = () => [];
    for (let i = 4; i <= 14; i += 1) {
      a?.say(bus.nowMs, `line ${i}`);
      bus.run(3000);
    }
    bus.weather = () => [0.2];
    bus.run(1000);
    expect(b?.of("gap")).toEqual([]); // somebody else may have it
    bus.run(14_000);
    expect(b?.of("gap").reduce((sum, event) => sum + event.count, 0)).toBe(6);
    expect(b?.texts()).toEqual(Array.from({ length: 8 }, (_, i) => `line ${7 + i}`));
  });

  it("goes on behind a gap when its questions do not reach a sender that is online", () => {
    const bus = multicastBus(1);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) return expect.unreachable();
    let losing = true;
    bus.weather = ({ from, bytes }) => (from === b || (losing && isData(bytes)) ? [] : [0.2]);
    a.say(bus.nowMs, "lost");
    bus.run(200);
    losing = false;
    for (let i = 1; i <= 3; i += 1) {
      a.say(bus.nowMs, `line ${i}`);
      bus.run(10_000);
    }
    bus.run(60_000);
    expect(b.texts(a)).toEqual(["line 1", "line 2", "line 3"]);
    expect(b.of("gap").map((event) => event.count)).toEqual([1]);
    expect(b.context.counters.get("nacksSent")).toBe(24);
    return undefined;
  });

  it("gives up with the rounds only what they all asked for", () => {
    const bus = multicastBus(1);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) return expect.unreachable();
    let isHeard = false;
    bus.weather = ({ from, bytes }) => {
      if (from === b) return isHeard ? [0.2] : [];
      const isLost = isData(bytes) && decodeGroupData(bytes).sequence <= 2 && !isHeard;
      return isLost ? [] : [0.2];
    };
    a.say(bus.nowMs, "line 1");
    bus.run(45_000);
    a.say(bus.nowMs, "line 2");
    bus.run(10);
    a.say(bus.nowMs, "line 3");
    bus.run(10_000);
    expect(b.of("gap").map((event) => event.count)).toEqual([1]);
    expect(b.texts()).toEqual([]);
    isHeard = true;
    bus.run(10_000);
    expect(b.texts()).toEqual(["line 2", "line 3"]);
    expect(b.of("gap")).toHaveLength(1);
    return undefined;
  });

  it("does not give up a sender that repairs slowly", () => {
    const bus = multicastBus(1);
    const [a, b] = bus.joined(2, {
      limits: { groupBitsPerSecond: 1200, groupMaxBitsPerSecond: 1200 },
    });
    const lost = new Set<number>();
    bus.weather = ({ bytes }) => {
      if (!isData(bytes) || lost.has(decodeGroupData(bytes).sequence)) return [0.2];
      lost.add(decodeGroupData(bytes).sequence);
      return [];
    };
    // All go out in one burst; their repair at 150 bytes a second takes some six minutes.
    for (let i = 0; i < 50; i += 1) a?.say(bus.nowMs, "y".repeat(1000));
    bus.run(900_000);
    expect(b?.of("gap")).toEqual([]);
    expect(b?.texts()).toHaveLength(50);
  });

  it("reports a gap when the sender is gone", () => {
    const bus = multicastBus(7);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) return expect.unreachable();
    const losing = new Set([1, 2]);
    bus.weather = ({ bytes }) =>
      isData(bytes) && losing.has(decodeGroupData(bytes).sequence) ? [] : [0.2];
    for (let i = 1; i <= 3; i += 1) {
      a.say(bus.nowMs, `line ${i}`);
      bus.run(0.5);
    }
    bus.run(0.5);
    bus.crash(a);
    bus.run(300_000);
    expect(b.of("gap").map((event) => event.count)).toEqual([2]);
    expect(b.texts()).toEqual(["line 3"]);
    expect(b.groups.nextWakeMs() - bus.nowMs).toBeGreaterThan(1000);
    return undefined;
  });

  it("does not show the rest of a message whose beginning is lost", () => {
    const bus = multicastBus(8);
    const [a, b] = bus.joined(2, { limits: { groupLogDatagrams: 1 } });
    bus.weather = ({ bytes }) =>
      isData(bytes) && decodeGroupData(bytes).sequence === 1 ? [] : [0.2];
    a?.say(bus.nowMs, "x".repeat(2500));
    a?.say(bus.nowMs, "whole");
    bus.run(60_000);
    expect(b?.texts()).toEqual(["whole"]);
    expect(b?.of("gap")).toHaveLength(1);
  });
});

describe("what is held for order", () => {
  /** Members whose first line never reaches `b`, however often it is repeated, and a victim. */
  function crowd(fakeCount: number, limits: Partial<Limits>) {
    const bus = multicastBus(2);
    const [a, b] = bus.joined(2, { limits });
    if (a === undefined || b === undefined) throw new Error("unreachable");
    const fakes = Array.from({ length: fakeCount }, () => bus.add());
    for (const fake of fakes) fake.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(3000);
    bus.weather = ({ from, to, bytes }) => {
      if (to !== b && from !== b) return [];
      if (!fakes.includes(from)) return [0.2];
      return isData(bytes) && decodeGroupData(bytes).sequence === 1 ? [] : [0.2];
    };
    return { bus, a, b, fakes };
  }

  it("is no more than one member's share, so that one with a hole leaves room for others", () => {
    const limits = { reassemblyBytesPerPeer: 100_000, reassemblyBytes: 200_000 };
    const { bus, a, b, fakes } = crowd(1, limits);
    const [fake] = fakes;
    for (let i = 0; i < 400; i += 1) fake?.say(bus.nowMs, "y".repeat(1000));
    bus.run(6000);
    a.say(bus.nowMs, "z".repeat(60_000));
    bus.run(5000);
    expect(b.texts(a)).toEqual(["z".repeat(60_000)]);
    const [first] = fake?.sentOf(data) ?? [];
    if (fake === undefined || first === undefined) return expect.unreachable();
    b.groups.receive(bus.nowMs, fake.received(first));
    bus.poll(b);
    expect(b.texts(fake).length).toBeGreaterThan(80);
    expect(b.texts(fake).length).toBeLessThan(100_000 / 1000);
    return undefined;
  });

  it("gives way, the most first, when all shares together are too much", () => {
    const limits = { reassemblyBytesPerPeer: 100_000, reassemblyBytes: 200_000 };
    const { bus, a, b, fakes } = crowd(5, limits);
    for (const fake of fakes) {
      for (let i = 0; i < 100; i += 1) fake.say(bus.nowMs, "y".repeat(1000));
    }
    bus.run(2000);
    let losing = 5; // of our own as well, so that what follows must be held
    const { weather } = bus;
    bus.weather = (passage) => {
      const isLost = passage.from === a && isData(passage.bytes) && losing > 0;
      if (isLost) losing -= 1;
      return isLost ? [] : weather(passage);
    };
    a.say(bus.nowMs, "z".repeat(20_000));
    bus.run(10_000);
    expect(b.texts(a)).toEqual(["z".repeat(20_000)]);
  });

  it("was only dropped to be asked for again", () => {
    const limits = { reassemblyBytesPerPeer: 100_000, reassemblyBytes: 100_000 };
    const bus = multicastBus(3);
    const nodes = bus.joined(4, { limits });
    bus.weather = bus.roughWeather({ loss: 0.2, duplication: 0.1, delayMs: 5 });
    for (const node of nodes) {
      for (let i = 0; i < 60; i += 1) node.say(bus.nowMs, `${i} ${"y".repeat(1000)}`);
    }
    bus.run(60_000);
    for (const node of nodes) {
      expect(node.of("gap")).toEqual([]);
      expect(node.texts()).toHaveLength(3 * 60);
    }
  });
});
