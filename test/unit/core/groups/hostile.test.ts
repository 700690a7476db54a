import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { encodeGroupHeartbeat, encodeGroupNack } from "../../../../src/wire/group.js";
import { withSignature } from "../../../../src/wire/header.js";
import { GroupBus, GroupNode, isData, TEST_GROUP } from "../../../support/groupBus.js";
import { SeededRandom } from "../../../support/seededRandom.js";

const { groupId } = TEST_GROUP;

function pair(seed: number): { bus: GroupBus; a: GroupNode; b: GroupNode } {
  const bus = new GroupBus(seed);
  const [a, b] = bus.joined(2);
  if (a === undefined || b === undefined) throw new Error("unreachable");
  return { bus, a, b };
}

/** One datagram of each type that `a` sends. */
function samples(): { bus: GroupBus; a: GroupNode; b: GroupNode; all: Uint8Array[] } {
  const { bus, a, b } = pair(1);
  let lose = true;
  bus.weather = ({ bytes }) => (lose && isData(bytes) ? [] : [0.2]);
  b.say(bus.nowMs, "lost");
  bus.run(1);
  lose = false;
  bus.run(2000);
  bus.weather = () => []; // b never sees the newest data and heartbeat of a
  a.say(bus.nowMs, "unseen");
  bus.run(2000);
  const { groupData, groupHeartbeat, groupNack } = DatagramType;
  const all = [groupData, groupHeartbeat, groupNack].flatMap((type) => {
    const latest = a.sentOf(type).at(-1);
    return latest === undefined ? [] : [latest];
  });
  expect(all).toHaveLength(3);
  return { bus, a, b, all };
}

describe("hostile group datagrams", () => {
  it("survives every truncation", () => {
    const { bus, a, b, all } = samples();
    for (const bytes of all) {
      for (let length = 0; length < bytes.length; length += 1) {
        const receive = () => b.groups.receive(bus.nowMs, a.received(bytes.slice(0, length)));
        try {
          receive();
        } catch (error) {
          expect(error).toMatchObject({ code: "MALFORMED_DATAGRAM" });
        }
      }
    }
    bus.poll(b);
    expect(b.texts()).toEqual([]);
  });

  it("drops data and heartbeats with a broken signature, and takes the true ones after", () => {
    const { bus, a, b, all } = samples();
    const presenceBefore = b.of("presence").length;
    for (const bytes of all.slice(0, 2)) {
      const forged = bytes.slice();
      forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
      const before = b.context.counters.get("datagramsForged");
      b.groups.receive(bus.nowMs, a.received(forged));
      expect(b.context.counters.get("datagramsForged")).toBe(before + 1);
    }
    bus.poll(b);
    expect(b.texts()).toEqual([]);
    expect(b.of("presence")).toHaveLength(presenceBefore);
    for (const bytes of all) b.groups.receive(bus.nowMs, a.received(bytes));
    bus.poll(b);
    expect(b.texts()).toEqual(["unseen"]);
  });

  it("looks at a bounded number of forgeries at once, and at the next ones a second later", () => {
    const { bus, a, b, all } = samples();
    const forged = all[1]?.slice() ?? new Uint8Array(0);
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    const flood = () => {
      for (let i = 0; i < 5000; i += 1) b.groups.receive(bus.nowMs, a.received(forged));
    };
    const { unauthenticatedPerSecond, unauthenticatedPerSecondPerSource } = b.context.limits;
    const bound = unauthenticatedPerSecond + unauthenticatedPerSecondPerSource;
    flood();
    expect(b.context.counters.get("datagramsForged")).toBe(bound);
    expect(b.context.counters.get("datagramsThrottled")).toBe(5000 - bound);
    bus.run(1000);
    flood();
    expect(b.context.counters.get("datagramsForged")).toBe(2 * bound);
  });

  it("answers a forged NACK with nothing, and a huge true one within the repair window", () => {
    const { bus, a, b } = pair(2);
    for (let i = 0; i < 5; i += 1) {
      a.say(bus.nowMs, `line ${i}`);
      bus.run(1);
    }
    bus.run(1000);
    const { identity, incarnation } = b.context;
    const of = { device: a.context.identity.device, incarnation: a.context.incarnation };
    const missing = [{ first: 1, last: Number.MAX_SAFE_INTEGER }];
    const unsigned = encodeGroupNack({
      groupId,
      device: identity.device,
      incarnation,
      sequence: 1_000_000,
      of,
      missing,
    });
    const forged = withSignature(unsigned, new Uint8Array(64));
    a.groups.receive(bus.nowMs, b.received(forged));
    bus.run(100);
    expect(a.context.counters.get("repairsSent")).toBe(0);
    expect(a.context.counters.get("datagramsForged")).toBe(1);
    const signed = withSignature(unsigned, identity.sign(unsigned));
    for (let i = 0; i < 3; i += 1) a.groups.receive(bus.nowMs, b.received(signed));
    bus.run(100);
    expect(a.context.counters.get("repairsSent")).toBe(5);
    expect(b.texts()).toHaveLength(5);
  });

  it("checks no signature of duplicates, replays, own datagrams and other groups", () => {
    const { bus, a, b } = pair(3);
    a.say(bus.nowMs, "once");
    bus.run(1000);
    const [data] = a.sentOf(DatagramType.groupData);
    const heartbeats = a.sentOf(DatagramType.groupHeartbeat);
    const before = b.verifications;
    for (const bytes of [data, ...heartbeats]) {
      if (bytes !== undefined) b.groups.receive(bus.nowMs, a.received(bytes));
    }
    for (const { bytes } of b.sent) b.groups.receive(bus.nowMs, b.received(bytes));
    const stranger = new GroupNode(9, new SeededRandom(9));
    if (data !== undefined) stranger.groups.receive(bus.nowMs, a.received(data));
    expect(b.verifications).toBe(before);
    expect(stranger.verifications).toBe(0);
    bus.poll(b);
    expect(b.texts()).toEqual(["once"]);
    expect(b.context.counters.get("datagramsOwn")).toBeGreaterThan(0);
  });

  it("a lead beyond all reason costs a NACK now and then, and holds nothing up", () => {
    const { bus, a, b } = pair(4);
    const c = new GroupNode(7, new SeededRandom(7));
    const { identity, incarnation, dataPort, name } = c.context;
    const unsigned = encodeGroupHeartbeat({
      groupId,
      device: identity.device,
      incarnation,
      sequence: 1,
      startedAtMs: 1_700_000_000_000,
      hello: true,
      leaving: false,
      wantsCopies: false,
      digest: "00".repeat(8),
      lead: Number.MAX_SAFE_INTEGER - 1,
      trail: 1,
      intervalMs: 1000,
      dataPort,
      name,
    });
    b.groups.receive(bus.nowMs, c.received(withSignature(unsigned, identity.sign(unsigned))));
    a.say(bus.nowMs, "still here");
    bus.run(60_000);
    expect(b.texts()).toEqual(["still here"]);
    expect(b.context.counters.get("nacksSent")).toBeLessThan(30);
    expect(b.of("gap")).toHaveLength(1);
  });
});
