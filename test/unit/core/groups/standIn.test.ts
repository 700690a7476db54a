import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { encodeGroupNack } from "../../../../src/wire/group.js";
import { withSignature } from "../../../../src/wire/header.js";
import {
  type GroupBus,
  type GroupNode,
  isData,
  multicastBus,
  TEST_GROUP,
} from "../../../support/groupBus.js";

const { groupId } = TEST_GROUP;

function sum(nodes: readonly GroupNode[], name: "repairsSent" | "nacksSent" | "gaps"): number {
  return nodes.reduce((total, node) => total + node.context.counters.get(name), 0);
}

/** "I miss everything of `of`." */
function nackOfAll(asker: GroupNode, of: GroupNode): Uint8Array {
  const { identity, incarnation } = asker.context;
  const unsigned = encodeGroupNack({
    groupId,
    device: identity.device,
    incarnation,
    sequence: 1_000_000,
    of: { device: of.device, incarnation: of.context.incarnation },
    missing: [{ first: 1, last: Number.MAX_SAFE_INTEGER }],
  });
  return withSignature(unsigned, identity.sign(unsigned));
}

/**
 * The author says lines that only the first `holders` of the others get, tells all that they exist,
 * and is gone for ever.
 */
function orphaned(
  seed: number,
  options: { nodes: number; holders: number; lines?: number },
): { bus: GroupBus; author: GroupNode; holders: GroupNode[]; others: GroupNode[] } {
  const bus = multicastBus(seed);
  const [author, ...rest] = bus.joined(options.nodes);
  if (author === undefined) throw new Error("unreachable");
  const holders = rest.slice(0, options.holders);
  // Nobody asks before the author is gone.
  bus.weather = ({ from, to, bytes }) =>
    from !== author || (isData(bytes) && !holders.includes(to)) ? [] : [0.2];
  for (let i = 0; i < (options.lines ?? 1); i += 1) {
    author.say(bus.nowMs, `line ${i} ${"x".repeat(900)}`);
    bus.run(10);
  }
  bus.run(90.5);
  bus.weather = ({ from, bytes }) => (from === author && isData(bytes) ? [] : [0.2]);
  bus.crash(author);
  return { bus, author, holders, others: rest.slice(options.holders) };
}

describe("what an author that is gone said", () => {
  it("is repeated by the only one who has it, when the author is known to be gone or is not", () => {
    for (const isKnown of [true, false]) {
      const bus = multicastBus(1);
      const [author, holder, other] = bus.joined(3);
      if (author === undefined || holder === undefined || other === undefined) {
        return expect.unreachable();
      }
      bus.weather = ({ to, bytes }) => (isData(bytes) && to === other ? [] : [0.2]);
      author.say(bus.nowMs, "last words");
      if (isKnown) author.groups.leave(bus.nowMs, groupId);
      bus.run(isKnown ? 0.5 : 100.5);
      const [words] = author.sentOf(DatagramType.groupData);
      bus.crash(author);
      bus.weather = () => [0.2];
      bus.run(3000);
      expect(other.texts(author)).toEqual(["last words"]);
      expect(other.of("gap")).toEqual([]);
      expect(holder.sentOf(DatagramType.groupData)).toEqual([words]);
    }
    return undefined;
  });

  it("is repeated about once, however many have it", () => {
    const { bus, author, holders, others } = orphaned(2, { nodes: 50, holders: 30 });
    bus.run(5000);
    for (const other of others) expect(other.texts(author)).toHaveLength(1);
    expect(sum(holders, "repairsSent")).toBeGreaterThan(0);
    expect(sum(holders, "repairsSent")).toBeLessThanOrEqual(4);
  });

  it("a lot of it too: who repeats is let finish", () => {
    const { bus, author, holders, others } = orphaned(3, { nodes: 20, holders: 15, lines: 200 });
    bus.run(20_000);
    for (const other of others) expect(other.texts(author)).toHaveLength(200);
    expect(sum(holders, "repairsSent")).toBeLessThanOrEqual(2 * 200);
  });

  it("says nothing about the author, and moves it nowhere", () => {
    const { bus, author, holders, others } = orphaned(4, { nodes: 3, holders: 1 });
    const [other] = others;
    const told = other?.of("presence").length ?? 0;
    bus.run(300_000);
    expect(other?.texts(author)).toHaveLength(1);
    expect(other?.of("groupMessage").at(-1)?.from).toMatchObject({ address: author.address });
    expect(other?.of("presence").slice(told)).toMatchObject([
      { change: "offline", peer: { id: author.device, address: author.address } },
    ]);
    expect(holders[0]?.context.counters.get("repairsSent")).toBe(1);
  });

  it("does not make it live longer for those who had not heard of it before", () => {
    const bus = multicastBus(14);
    const [author, holder, b, c] = bus.joined(4);
    if (author === undefined || holder === undefined || b === undefined || c === undefined) {
      return expect.unreachable();
    }
    bus.run(120_000);
    bus.weather = ({ to }) => (to === holder ? [0.2] : []);
    author.say(bus.nowMs, "unheard of");
    bus.run(1);
    const [words] = author.sentOf(DatagramType.groupData);
    bus.crash(author);
    bus.run(5000);
    bus.weather = () => [0.2];
    if (words === undefined) return expect.unreachable();
    b.groups.receive(bus.nowMs, holder.received(words));
    const offlineAtMs = new Map<GroupNode, number>();
    for (let i = 0; i < 2000; i += 1) {
      bus.run(100);
      for (const node of [b, c]) {
        const isGone = node.of("presence").some(({ change }) => change === "offline");
        if (isGone && !offlineAtMs.has(node)) offlineAtMs.set(node, bus.nowMs);
      }
    }
    expect(b.texts(author)).toEqual(["unheard of"]);
    expect(offlineAtMs.get(b)).toBe(offlineAtMs.get(c));
    expect(offlineAtMs.get(b)).toBeGreaterThan(0);
    return undefined;
  });

  it("is a gap when nobody has it, after some 50 s", () => {
    const { bus, author, others } = orphaned(5, { nodes: 4, holders: 0 });
    bus.run(10_000);
    expect(sum(others, "gaps")).toBe(0);
    bus.run(110_000);
    for (const other of others) {
      expect(other.of("gap")).toMatchObject([{ count: 1, from: { id: author.device } }]);
    }
  });
});

describe("while the author is here", () => {
  it("the others leave it to it, and take its place if it is not heard", () => {
    const bus = multicastBus(6);
    const [author, holder, other] = bus.joined(3);
    if (author === undefined || holder === undefined || other === undefined) {
      return expect.unreachable();
    }
    let isDeaf = false;
    bus.weather = ({ from, to, bytes }) => {
      if (isDeaf && to === author) return [];
      const isLost = isData(bytes) && from === author && to === other && bus.random.uniform() < 0.5;
      // It is far away: the others must wait for longer than for one another.
      return isLost ? [] : [from === author || to === author ? 25 : 0.2];
    };
    for (let i = 0; i < 50; i += 1) {
      author.say(bus.nowMs, `line ${i}`);
      bus.run(300);
    }
    const byAuthor = author.context.counters.get("repairsSent");
    const byHolder = holder.context.counters.get("repairsSent");
    expect(byAuthor).toBeGreaterThan(10);
    expect(byHolder).toBeLessThan(byAuthor / 2);
    isDeaf = true;
    for (let i = 50; i < 100; i += 1) {
      author.say(bus.nowMs, `line ${i}`);
      bus.run(300);
    }
    bus.run(3000);
    expect(author.context.counters.get("repairsSent")).toBe(byAuthor);
    expect(holder.context.counters.get("repairsSent")).toBeGreaterThan(byHolder + 10);
    expect(other.texts(author)).toHaveLength(100);
    expect(other.of("gap")).toEqual([]);
    return undefined;
  });

  it("what it cannot repeat any more is had from others, and is no gap", () => {
    const bus = multicastBus(7);
    const author = bus.add({ limits: { groupLogDatagrams: 8 } });
    const [holder, other] = [bus.add(), bus.add()];
    for (const node of bus.nodes) node.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(3000);
    bus.weather = ({ to }) => (to === other ? [] : [0.2]);
    for (let i = 0; i < 14; i += 1) {
      author.say(bus.nowMs, `line ${i}`);
      bus.run(3000); // no faster: what was said is not forgotten so soon
    }
    bus.weather = () => [0.2];
    bus.run(60_000);
    expect(other.texts(author)).toEqual(Array.from({ length: 14 }, (_, i) => `line ${i}`));
    expect(other.of("gap")).toEqual([]);
    expect(holder.context.counters.get("repairsSent")).toBeGreaterThanOrEqual(6);
  });
});

describe("a repair of somebody else's words", () => {
  it("is not called off by a forgery of it, nor by a copy for us alone", () => {
    for (const how of ["forged", "alone", "true"] as const) {
      const { bus, author, holders } = orphaned(8, { nodes: 3, holders: 1 });
      const [holder] = holders;
      const [words] = author.sentOf(DatagramType.groupData);
      if (holder === undefined || words === undefined) return expect.unreachable();
      const copy = words.slice();
      if (how === "forged") copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
      for (let i = 0; i < 600 && holder.context.counters.get("repairsSent") === 0; i += 1) {
        const via = how === "alone" ? ("data" as const) : ("group" as const);
        holder.groups.receive(bus.nowMs, { ...author.received(copy), via });
        bus.run(1);
      }
      expect(holder.context.counters.get("repairsSent"), how).toBe(how === "true" ? 0 : 1);
    }
    return undefined;
  });

  it("fills a hole that was passed over, late, once, and for all who have it", () => {
    const { bus, author, others } = orphaned(9, { nodes: 4, holders: 0, lines: 1 });
    bus.run(120_000);
    const [words] = author.sentOf(DatagramType.groupData);
    if (words === undefined) return expect.unreachable();
    for (const other of others) {
      expect(other.of("gap")).toHaveLength(1);
      for (let i = 0; i < 2; i += 1) other.groups.receive(bus.nowMs, author.received(words));
      bus.run(10);
      expect(other.of("groupMessage")).toMatchObject([{ late: true }]);
    }
    expect(new Set(others.map(({ groups }) => groups.mentions()[0]?.digest)).size).toBe(1);
    return undefined;
  });

  it("is one of at most 1024 that wait", () => {
    const bus = multicastBus(10);
    const limits = { groupBitsPerSecond: 1e9, groupBurstBytes: 1e9 };
    const [author, holder] = bus.joined(2, { limits });
    if (author === undefined || holder === undefined) return expect.unreachable();
    for (let i = 0; i < 1200; i += 1) {
      author.say(bus.nowMs, "y".repeat(900));
      if (i % 100 === 0) bus.run(1);
    }
    bus.run(5000);
    bus.crash(author);
    const asker = bus.add();
    asker.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(1000);
    expect(holder.of("groupDatagram")).toHaveLength(1200);
    // It asks for all of an author that it never met.
    const before = holder.context.counters.get("repairsSent");
    holder.groups.receive(bus.nowMs, asker.received(nackOfAll(asker, author)));
    bus.run(1500);
    const sent = holder.context.counters.get("repairsSent") - before;
    expect(sent).toBeGreaterThan(500);
    expect(sent).toBeLessThanOrEqual(1024);
    return undefined;
  });
});

describe("a member that goes away", () => {
  it("makes the others tell what they have, once each, within a second", () => {
    for (const leaves of [true, false]) {
      const bus = multicastBus(11);
      const [author, ...others] = bus.joined(5);
      if (author === undefined) return expect.unreachable();
      bus.run(120_000);
      if (leaves) author.groups.leave(bus.nowMs, groupId);
      else bus.crash(author);
      let goneAtMs = 0;
      for (let i = 0; i < 3000 && goneAtMs === 0; i += 1) {
        bus.run(100);
        if (others.some((node) => node.of("presence").at(-1)?.peer.id === author.device)) {
          goneAtMs = bus.nowMs;
        }
      }
      bus.run(1000);
      for (const other of others) {
        const told = other.sent.filter(({ atMs }) => atMs > goneAtMs - 150);
        expect(told.length).toBeGreaterThanOrEqual(1);
        expect(told.length).toBeLessThanOrEqual(2);
      }
    }
    return undefined;
  });
});

describe("that a line arrived", () => {
  it("is told of every member whose digest is ours, once per advance", () => {
    const bus = multicastBus(12);
    const [a, b, c] = bus.joined(3);
    if (a === undefined || b === undefined || c === undefined) return expect.unreachable();
    bus.weather = ({ from, to }) => (from === a && to === c ? [] : [0.2]);
    a.say(bus.nowMs, "one");
    bus.run(1);
    bus.weather = ({ to }) => (to === c ? [] : [0.2]);
    bus.run(60_000);
    const told = () =>
      a.of("groupDelivered").map(({ to, upToSequence }) => `${to.name} ${upToSequence}`);
    expect(told()).toEqual(["n2 1"]);
    bus.weather = () => [0.2];
    bus.run(60_000);
    expect(told()).toEqual(["n2 1", "n3 1"]);
    a.say(bus.nowMs, "two");
    bus.run(120_000);
    expect(told().slice(2).toSorted()).toEqual(["n2 2", "n3 2"]);
    expect(b.of("groupDelivered")).toEqual([]);
    return undefined;
  });

  it("is told of a digest that was ours a moment ago", () => {
    const bus = multicastBus(13);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) return expect.unreachable();
    bus.run(120_000);
    a.say(bus.nowMs, "one");
    bus.run(500); // our heartbeat told the digest
    expect(a.of("groupDelivered")).toEqual([]);
    // What b says from now on shows that it has the first, and not yet the second.
    bus.weather = ({ to }) => (to === b ? [] : [0.2]);
    a.say(bus.nowMs, "two");
    bus.run(60_000);
    expect(a.of("groupDelivered").map(({ upToSequence }) => upToSequence)).toEqual([1]);
    return undefined;
  });
});
