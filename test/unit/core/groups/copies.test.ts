import { describe, expect, it } from "vitest";
import { MAX_COPIES } from "../../../../src/core/groups/copies.js";
import { DatagramType } from "../../../../src/wire/constants.js";
import {
  decodeGroupHeartbeat,
  encodeGroupHeartbeat,
  type GroupHeartbeat,
} from "../../../../src/wire/group.js";
import { datagramType } from "../../../../src/wire/header.js";
import { signedBy } from "../../../support/forger.js";
import { GroupBus, type GroupNode, TEST_GROUP } from "../../../support/groupBus.js";

const { groupId } = TEST_GROUP;

/** Heartbeats that the node sent by unicast, decoded, the latest last. */
function askedBy(node: GroupNode, to?: GroupNode): GroupHeartbeat[] {
  return node.sent.flatMap(({ bytes, destination }) =>
    destination.kind === "unicast" &&
    (to === undefined || destination.to.address === to.address) &&
    datagramType(bytes) === DatagramType.groupHeartbeat
      ? [decodeGroupHeartbeat(bytes)]
      : [],
  );
}

function copiesTo(from: GroupNode, to: { readonly address: string }): number {
  return from.sent.filter(
    ({ destination }) => destination.kind === "unicast" && destination.to.address === to.address,
  ).length;
}

/** A heartbeat that `as` signed, delivered to `to`. */
function deliver(
  bus: GroupBus,
  as: GroupNode,
  to: GroupNode,
  change: Partial<GroupHeartbeat>,
  options: { readonly via?: "data" | "group"; readonly signer?: GroupNode } = {},
): void {
  const { identity, incarnation, startedAtMs, name, dataPort } = as.context;
  const unsigned = encodeGroupHeartbeat({
    groupId,
    device: identity.device,
    incarnation,
    sequence: 1,
    startedAtMs,
    hello: false,
    leaving: false,
    wantsCopies: true,
    digest: "00".repeat(8),
    lead: 0,
    trail: 1,
    intervalMs: 10_000,
    dataPort,
    name,
    ...change,
  });
  const bytes = signedBy((options.signer ?? as).context.identity, unsigned);
  to.groups.receive(bus.nowMs, { ...as.received(bytes), via: options.via ?? "data" });
  bus.poll(to);
}

/** One member, and somebody whom it hears only from what the test delivers. */
function pair(): { bus: GroupBus; member: GroupNode; asker: GroupNode } {
  const bus = new GroupBus(1);
  const [member] = bus.joined(1);
  if (member === undefined) throw new Error("nobody joined");
  return { bus, member, asker: bus.add() };
}

/** What it says to the group goes to `to` by unicast as well. */
function copies(bus: GroupBus, from: GroupNode, to: GroupNode): boolean {
  const before = copiesTo(from, to);
  from.say(bus.nowMs, "line");
  bus.poll(from);
  return copiesTo(from, to) > before;
}

describe("copies", () => {
  it("go to a member that asked by unicast, until it says otherwise", () => {
    const { bus, member, asker } = pair();
    expect(copies(bus, member, asker)).toBe(false);
    deliver(bus, asker, member, { sequence: 10 });
    expect(copies(bus, member, asker)).toBe(true);
    expect(member.groups.transportOf(groupId)).toMatchObject({ transport: "unicast", copies: 1 });
    deliver(bus, asker, member, { sequence: 11, wantsCopies: false });
    expect(copies(bus, member, asker)).toBe(false);
    expect(member.groups.transportOf(groupId)?.transport).toBe("multicast");
  });

  it("end with a goodbye, when it is silent, and never by an older heartbeat", () => {
    const { bus, member, asker } = pair();
    deliver(bus, asker, member, { sequence: 10 });
    deliver(bus, asker, member, { sequence: 9, wantsCopies: false });
    expect(copies(bus, member, asker)).toBe(true);
    deliver(bus, asker, member, { sequence: 11, leaving: true }, { via: "group" });
    expect(copies(bus, member, asker)).toBe(false);
    const again = bus.add();
    deliver(bus, again, member, { sequence: 1 });
    bus.run(34_900);
    expect(copies(bus, member, again)).toBe(true);
    bus.run(200);
    expect(copies(bus, member, again)).toBe(false);
  });

  it("do not go to whom others speak for, who is not proven, or who merely told all", () => {
    const { bus, member, asker } = pair();
    deliver(bus, asker, member, { sequence: 10 }, { signer: member });
    expect(copies(bus, member, asker)).toBe(false);
    deliver(bus, asker, member, { sequence: 11 }, { via: "group" });
    expect(copies(bus, member, asker)).toBe(false);
    member.proven = () => undefined;
    deliver(bus, asker, member, { sequence: 12 });
    expect(copies(bus, member, asker)).toBe(false);
    expect(member.confirmed).toEqual([asker.context.incarnation]);
    const unproven = bus.add();
    member.present = new Set([asker.context.incarnation]);
    deliver(bus, unproven, member, { sequence: 1 });
    expect(copies(bus, member, unproven)).toBe(false);
  });

  it("go to where discovery found the member, not to where its request came from", () => {
    const { bus, member, asker } = pair();
    member.proven = () => ({ address: "10.9.9.9", port: 5000 });
    deliver(bus, asker, member, { sequence: 10 });
    expect(copies(bus, member, asker)).toBe(false);
    expect(copiesTo(member, { address: "10.9.9.9" })).toBeGreaterThan(0);
    member.proven = () => ({ address: "10.9.9.8", port: 5000 });
    member.say(bus.nowMs, "after it moved");
    bus.poll(member);
    expect(copiesTo(member, { address: "10.9.9.8" })).toBe(1);
  });

  it("are sent to so many at most, and to few at one address", () => {
    const { bus, member } = pair();
    const many = Array.from({ length: MAX_COPIES + 3 }, () => bus.add());
    for (const asker of many) deliver(bus, asker, member, {});
    expect(member.groups.transportOf(groupId)?.copies).toBe(MAX_COPIES);
    expect(member.context.counters.get("groupCopiesRefused")).toBe(3);
    const crowded = pair();
    crowded.member.proven = () => ({ address: "10.9.9.9", port: 5000 });
    for (let i = 0; i < 12; i += 1) deliver(crowded.bus, crowded.bus.add(), crowded.member, {});
    expect(crowded.member.groups.transportOf(groupId)?.copies).toBe(8);
  });

  it("count for the rate", () => {
    const bus = new GroupBus(1);
    const [member] = bus.joined(1, {
      limits: { groupBitsPerSecond: 80_000, groupMaxBitsPerSecond: 80_000, groupBurstBytes: 3000 },
    });
    if (member === undefined) return expect.unreachable();
    const askers = Array.from({ length: 8 }, () => bus.add());
    for (const asker of askers) deliver(bus, asker, member, { intervalMs: 180_000 });
    const atMs = bus.nowMs;
    for (let i = 0; i < 10; i += 1) member.say(bus.nowMs, "x".repeat(900));
    bus.run(60_000);
    const times = member.sent
      .filter(({ bytes }) => datagramType(bytes) === DatagramType.groupData)
      .map((sent) => sent.atMs - atMs);
    // 8 copies of 10 datagrams of about 1,000 bytes, at 10,000 bytes a second.
    expect(times).toHaveLength(80);
    expect(Math.max(...times)).toBeGreaterThan(6000);
    return undefined;
  });

  it("take the place of multicast of data where all get them, and of nothing else", () => {
    const { bus, member, asker } = pair();
    const byMulticast = (type: number): number =>
      member.sent.filter(
        ({ bytes, destination }) =>
          destination.kind === "multicast" && datagramType(bytes) === type,
      ).length;
    deliver(bus, asker, member, { sequence: 10 });
    const [data, heartbeats] = [DatagramType.groupData, DatagramType.groupHeartbeat].map(
      byMulticast,
    );
    expect(copies(bus, member, asker)).toBe(true);
    expect(byMulticast(DatagramType.groupData)).toBe(data);
    bus.run(2000);
    expect(byMulticast(DatagramType.groupHeartbeat)).toBeGreaterThan(heartbeats ?? 0);
    deliver(bus, bus.add(), member, { wantsCopies: false }, { via: "group" });
    expect(copies(bus, member, asker)).toBe(true);
    expect(byMulticast(DatagramType.groupData)).toBe((data ?? 0) + 1);
  });
});

describe("whose multicast reaches us", () => {
  it("asks who says in a beacon to be here and is not heard, and tells it when it is", () => {
    const bus = new GroupBus(1);
    bus.multicastBlocked = () => true;
    const [a, b] = [bus.add(), bus.add()];
    const { incarnation } = b.context;
    a.announced = [{ instance: { device: b.device, incarnation }, digest: "00".repeat(8) }];
    for (const node of [a, b]) node.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(1400);
    expect(askedBy(a)).toEqual([]);
    bus.run(20_000);
    expect(askedBy(a, b)[0]).toMatchObject({ wantsCopies: true, hello: true });
    expect(askedBy(a, b).at(-1)).toMatchObject({ wantsCopies: true, hello: false });
    for (const node of [a, b]) {
      const ways = { transport: "unicast", copies: 1, unheard: 1 };
      expect(node.groups.transportOf(groupId)).toEqual(ways);
      expect(node.groups.members(groupId)).toMatchObject([{ online: true }]);
      expect(node.of("groupTransport")).toMatchObject([ways]);
    }
    bus.multicastBlocked = () => false;
    bus.run(120_000);
    expect(askedBy(a, b).at(-1)?.wantsCopies).toBe(false);
    for (const node of [a, b]) {
      expect(node.of("groupTransport").at(-1)?.transport).toBe("multicast");
    }
  });

  it("does not ask who is heard, or is not here", () => {
    const bus = new GroupBus(1);
    const [a, b, gone] = [bus.add(), bus.add(), bus.add()];
    const digest = "00".repeat(8);
    a.announced = [b, gone].map(({ device, context: { incarnation } }) => ({
      instance: { device, incarnation },
      digest,
    }));
    a.present = new Set([b.context.incarnation]);
    for (const node of [a, b]) node.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(300_000);
    expect(askedBy(a)).toEqual([]);
    expect(a.of("groupTransport")).toEqual([]);
  });

  it("does not ask before 3.5 intervals are over, unless a beacon says that there is more", () => {
    const silentFor = (ms: number, digests: readonly string[]): number => {
      const bus = new GroupBus(1);
      const [a, b] = bus.joined(2);
      if (a === undefined || b === undefined) throw new Error("nobody joined");
      bus.run(60_000);
      bus.multicastBlocked = () => true;
      for (const digest of digests) {
        const instance = { device: b.device, incarnation: b.context.incarnation };
        a.groups.groupsAnnounced(bus.nowMs, instance, [{ groupId, digest }]);
        bus.run(ms / digests.length);
      }
      return askedBy(a).length;
    };
    expect(silentFor(60_000, ["00".repeat(8)])).toBe(0);
    expect(silentFor(200_000, ["00".repeat(8)])).toBeGreaterThan(0);
    expect(
      silentFor(
        30_000,
        ["00", "11", "22"].map((byte) => byte.repeat(8)),
      ),
    ).toBeGreaterThan(0);
  });

  it("costs no check of a signature for data that comes both ways", () => {
    const bus = new GroupBus(1);
    const [a, b] = bus.joined(2);
    if (a === undefined || b === undefined) return expect.unreachable();
    a.say(bus.nowMs, "line");
    bus.run(500);
    const bytes = a.sentOf(DatagramType.groupData)[0] ?? new Uint8Array();
    const before = b.verifications;
    for (let i = 0; i < 100; i += 1) {
      b.groups.receive(bus.nowMs, { ...a.received(bytes), via: "data" });
    }
    expect(b.verifications).toBe(before);
    expect(b.texts(a)).toEqual(["line"]);
    return undefined;
  });
});
