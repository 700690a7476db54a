import { describe, expect, it } from "vitest";
import { Archive } from "../../../../src/core/groups/archive.js";
import { Group } from "../../../../src/core/groups/group.js";
import { HeldBytes } from "../../../../src/core/groups/heldBytes.js";
import { HybridClock } from "../../../../src/core/groups/hybridClock.js";
import { Pacer } from "../../../../src/core/groups/pacer.js";
import { AT_THE_BEGINNING, Sender } from "../../../../src/core/groups/sender.js";
import { SyncRates } from "../../../../src/core/groups/syncRates.js";
import type { CoreEvent } from "../../../../src/core/io.js";
import { type Alarm, TimerQueue } from "../../../../src/core/timers.js";
import { DatagramType } from "../../../../src/wire/constants.js";
import { decodeUtf8 } from "../../../../src/wire/cursor.js";
import { decodeGroupData, decodeGroupHeartbeat } from "../../../../src/wire/group.js";
import {
  FIRST_KEYS,
  type GroupNode,
  multicastBus,
  SECRET_GROUP,
  TEST_GROUP,
} from "../../../support/groupBus.js";

/** A membership by itself, of a node that is on no bus. */
function membership(node: GroupNode, { oldestHlc = 0 } = {}) {
  const { context, log, group: name } = node;
  const timers = new TimerQueue<Alarm>();
  const groupsContext = {
    ...context,
    addressOf: () => undefined,
    isPresent: () => node.present === undefined,
    announces: true,
    announcedIn: () => [],
    provenAddressOf: () => undefined,
    confirm: () => undefined,
    challenge: () => undefined,
    sendNote: () => undefined,
    cancelNote: () => undefined,
    timers,
    pacer: new Pacer(timers, context.limits),
    held: new HeldBytes(context.limits.reassemblyBytes),
    nextNoteToken: () => -1,
    log,
    clock: new HybridClock(),
    syncRates: new SyncRates(context.limits),
    oldestHlc: () => oldestHlc,
    wallMs: (nowMs: number) => context.startedAtMs + nowMs,
  };
  const archive = new Archive(context, log, name.groupId);
  const sender = new Sender(groupsContext, name, AT_THE_BEGINNING, archive);
  const keys = name.secret ? FIRST_KEYS : undefined;
  const group = new Group(0, groupsContext, { name, sender, keys, left: () => undefined });
  const told: CoreEvent[] = [];
  const settle = () => {
    const { events } = context.outputs.drain();
    log.settle(events);
    told.push(...events);
  };
  return {
    group,
    told,
    /** From a member that keeps it; the bytes are valid during the call alone. */
    archived: (from: GroupNode, bytes: Uint8Array, keyId?: string) => {
      const lent = bytes.slice();
      const at = { address: from.address, port: 22400 };
      const kept = { bytes: lent, keyId };
      const verdict = group.archived(10, decodeGroupData(lent), kept, at);
      settle();
      lent.fill(0);
      return verdict;
    },
    hear: (from: GroupNode, bytes: Uint8Array) => {
      const datagram = { ...from.received(bytes), key: undefined };
      const type = bytes[2];
      if (type === DatagramType.groupData) group.receiveData(5, decodeGroupData(bytes), datagram);
      else group.receiveHeartbeat(5, decodeGroupHeartbeat(bytes), datagram);
      settle();
    },
    messages: () =>
      told.flatMap((event) =>
        event.kind === "groupMessage" ? [{ text: decodeUtf8(event.body), late: event.late }] : [],
      ),
  };
}

/** What an author said, and a node that heard nothing of it. */
function said(texts: readonly string[]) {
  const bus = multicastBus(1);
  const author = bus.add();
  author.groups.join(0, TEST_GROUP);
  for (const text of texts) {
    author.say(bus.nowMs, text);
    bus.run(10);
  }
  const reader = bus.add();
  return { author, reader, data: author.sentOf(DatagramType.groupData) };
}

describe("what others kept", () => {
  it("is kept and told once, as late, in any order, and shows nobody online", () => {
    const { author, reader, data } = said(["one", "two", "three"]);
    reader.present = new Set();
    const node = membership(reader);
    const [one, two, three] = data;
    if (one === undefined || two === undefined || three === undefined) return expect.unreachable();
    expect([three, one, two].map((bytes) => node.archived(author, bytes))).toEqual([
      "kept",
      "kept",
      "kept",
    ]);
    expect(data.map((bytes) => node.archived(author, bytes))).toEqual(["known", "known", "known"]);
    for (const bytes of author.sent.map((sent) => sent.bytes)) node.hear(author, bytes);
    expect(node.messages()).toEqual(["three", "one", "two"].map((text) => ({ text, late: true })));
    expect(node.told.filter(({ kind }) => kind === "presence")).toEqual([]);
    // Whom nobody has found is nowhere.
    const [told] = node.told.filter((event) => event.kind === "groupMessage");
    expect(told?.from).toEqual({ id: author.device, name: "n1", address: "", port: 0 });
    expect(node.group.archive.digest).toBe(
      new Archive(author.context, author.log, TEST_GROUP.groupId).digest,
    );
    return undefined;
  });

  it("is told when the last piece of a message comes, whichever that is", () => {
    const text = "0123456789".repeat(350);
    for (const last of [0, 1, 2, 3]) {
      const { author, reader, data } = said([text]);
      expect(data).toHaveLength(4);
      const node = membership(reader);
      const order = [...data.filter((_, i) => i !== last).toReversed(), ...data.slice(last)];
      for (const bytes of order) node.archived(author, bytes);
      expect(node.messages()).toEqual([{ text, late: true }]);
    }
  });

  it("that a live member's order waits for goes its way, and releases what came behind it", () => {
    const { author, reader, data } = said(["one", "two", "three"]);
    const node = membership(reader);
    const [one, two, three] = data;
    const hello = author.sentOf(DatagramType.groupHeartbeat).at(-1);
    if (one === undefined || two === undefined || three === undefined || hello === undefined) {
      return expect.unreachable();
    }
    node.hear(author, one);
    node.hear(author, three);
    expect(node.messages()).toEqual([{ text: "one", late: false }]);
    expect(node.archived(author, three)).toBe("known"); // it waits already
    expect(node.archived(author, two)).toBe("kept");
    expect(node.messages()).toEqual([
      { text: "one", late: false },
      { text: "two", late: false },
      { text: "three", late: false },
    ]);
    return undefined;
  });

  it("is not believed if it is forged, of a blocked device, or of another group", () => {
    const { author, reader, data } = said(["one"]);
    const node = membership(reader);
    const [one] = data;
    if (one === undefined) return expect.unreachable();
    const forged = one.slice();
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    expect(node.archived(author, forged)).toBe("forged");
    reader.blocked.add(author.device);
    const before = reader.verifications;
    expect(node.archived(author, one)).toBe("unwanted");
    expect(reader.verifications).toBe(before);
    reader.blocked.delete(author.device);
    const data1 = { ...decodeGroupData(one), groupId: "00".repeat(8) };
    const at = { address: author.address, port: 22400 };
    const kept = { bytes: one, keyId: undefined };
    expect(node.group.archived(10, data1, kept, at)).toBe("unwanted");
    expect(node.messages()).toEqual([]);
    expect(node.group.archive.count).toBe(0);
    expect(node.archived(author, one)).toBe("kept");
    node.group.leave(20);
    return undefined;
  });

  it("is not taken back if we gave it up ourselves", () => {
    const { reader: other, author, data } = said(["ours"]);
    const [own] = data;
    if (own === undefined) return expect.unreachable();
    const of = ours(author);
    author.log.forget(TEST_GROUP.groupId, of, 1);
    const node = membership(author);
    expect(node.group.archive.has(of, 1)).toBe(false);
    expect(node.archived(other, own)).toBe("unwanted");
    expect(node.messages()).toEqual([]);
    return undefined;
  });

  it("is not taken if it is too old, and nothing that was said before it is wanted", () => {
    for (const isMember of [false, true]) {
      const bus = multicastBus(1);
      const author = bus.add();
      author.groups.join(0, TEST_GROUP);
      for (const text of ["one", "two", "three"]) {
        author.say(bus.nowMs, text);
        bus.run(400);
      }
      const [one, two, three] = author.sentOf(DatagramType.groupData);
      const heartbeats = author.sentOf(DatagramType.groupHeartbeat);
      const hello = heartbeats.findLast((bytes) => decodeGroupHeartbeat(bytes).hello);
      if (one === undefined || two === undefined || three === undefined || hello === undefined) {
        return expect.unreachable();
      }
      expect(decodeGroupHeartbeat(hello)).toMatchObject({ hello: true, lead: 3, trail: 1 });
      const oldestHlc = decodeGroupData(three).entries[0]?.hlc ?? 0;
      const node = membership(bus.add(), { oldestHlc });
      if (isMember) node.hear(author, hello);
      const order = isMember ? [one, two, one, three] : [two, one, two, three];
      expect(order.map((bytes) => node.archived(author, bytes))).toEqual(
        isMember
          ? ["unwanted", "unwanted", "known", "kept"]
          : ["unwanted", "known", "known", "kept"],
      );
      expect(node.messages()).toMatchObject([{ text: "three" }]);
    }
    return undefined;
  });

  it("in a secret group was said under a key that we have", () => {
    const bus = multicastBus(2);
    const author = bus.addSecret(FIRST_KEYS);
    author.say(bus.nowMs, "sealed");
    bus.run(10);
    const [kept] = author.of("groupDatagram");
    const reader = bus.add({ group: SECRET_GROUP });
    const node = membership(reader);
    if (kept?.keyId === undefined) return expect.unreachable();
    expect(node.archived(author, kept.bytes, "00".repeat(8))).toBe("unwanted");
    expect(node.archived(author, kept.bytes)).toBe("unwanted");
    expect(node.archived(author, kept.bytes, kept.keyId)).toBe("kept");
    expect(node.messages()).toEqual([{ text: "sealed", late: true }]);
    return undefined;
  });
});

function ours({ context }: GroupNode): { device: string; incarnation: string } {
  return { device: context.identity.device, incarnation: context.incarnation };
}
