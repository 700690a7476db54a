/** What a node of version 1 does when a later one speaks: PROTOCOL.md section 8. */
import { describe, expect, it } from "vitest";
import { LaterVersions } from "../../../src/core/laterVersions.js";
import { encodeUtf8, varintBytes } from "../../../src/wire/cursor.js";
import { type Frame, FrameType, Lane, type LaneCode } from "../../../src/wire/frames.js";
import { encodeGroupData, type GroupEntry } from "../../../src/wire/group.js";
import {
  decodeGroupSync,
  decodeSyncGroup,
  encodeGroupSync,
  encodeOpenSync,
  GroupSyncPurpose,
} from "../../../src/wire/groupSync.js";
import { withSignature } from "../../../src/wire/header.js";
import { encodeRecord, RecordKind, ReplyStatus } from "../../../src/wire/record.js";
import { encodeHandshakeInit } from "../../../src/wire/session.js";
import {
  GroupBus,
  type GroupNode,
  isData,
  noteRecord,
  TEST_GROUP,
} from "../../support/groupBus.js";
import { PASSED_OVER_FLAGS } from "../../support/laterVersion.js";
import { messageFrame, RawPeer } from "../../support/rawPeer.js";
import { type SessionHost, SessionWire } from "../../support/sessionWire.js";

const MINUTE_MS = 60_000;

function at(address: string): { address: string; port: number } {
  return { address, port: 22_401 };
}

describe("who speaks a later version alone", () => {
  it("is forgotten for the latest 64 addresses", () => {
    for (const others of [63, 64]) {
      const versions = new LaterVersions(() => false);
      versions.heard(0, at("10.0.0.1"), 2);
      for (let host = 1; host <= others; host += 1) versions.heard(0, at(`10.0.1.${host}`), 2);
      const told = versions.heard(20_000, at("10.0.0.1"), 2);
      expect(told === undefined, `${others} others`).toBe(others === 64);
    }
  });

  it("is told of after a while, once, and with the highest version that was heard", () => {
    const versions = new LaterVersions(() => false);
    expect(versions.heard(0, at("10.0.0.1"), 2)).toBeUndefined();
    expect(versions.heard(14_999, at("10.0.0.1"), 3)).toBeUndefined();
    expect(versions.list(14_999)).toEqual([]);
    const told = { address: "10.0.0.1", version: 3 };
    expect(versions.heard(15_000, at("10.0.0.1"), 2)).toEqual(told);
    expect(versions.list(15_000)).toEqual([told]);
    for (let nowMs = 15_000; nowMs < 100 * MINUTE_MS; nowMs += 10_000) {
      expect(versions.heard(nowMs, at("10.0.0.1"), 2)).toBeUndefined();
    }
    expect(versions.list(100 * MINUTE_MS)).toEqual([told]);
    expect(versions.list(111 * MINUTE_MS)).toEqual([]);
  });

  it("is not told of while our version is spoken there as well", () => {
    const seen = new Set(["10.0.0.1"]);
    let looks = 0;
    const versions = new LaterVersions((address) => {
      looks += 1;
      return seen.has(address);
    });
    for (let nowMs = 0; nowMs <= MINUTE_MS; nowMs += 10) {
      expect(versions.heard(nowMs, at("10.0.0.1"), 2)).toBeUndefined();
    }
    // A look goes through the roster: not for each of them.
    expect(looks).toBe(4);
    seen.clear();
    expect(versions.heard(2 * MINUTE_MS, at("10.0.0.1"), 2)).toBeDefined();
    expect(versions.list(2 * MINUTE_MS)).toHaveLength(1);
    seen.add("10.0.0.1");
    expect(versions.list(2 * MINUTE_MS)).toEqual([]);
  });

  it("cannot make a flood of warnings, or of memory, with forged sources", () => {
    const versions = new LaterVersions(() => false);
    let told = 0;
    for (let nowMs = 0; nowMs < 60 * MINUTE_MS; nowMs += 1000) {
      for (let host = 0; host < 100; host += 1) {
        const source = at(`10.0.${Math.floor(nowMs / 60_000)}.${host % 60}`);
        if (versions.heard(nowMs, source, 2) !== undefined) told += 1;
      }
    }
    // Four, and one in ten minutes.
    expect(told).toBeGreaterThan(4);
    expect(told).toBeLessThanOrEqual(10);
    expect(versions.list(60 * MINUTE_MS).length).toBeLessThanOrEqual(64);
  });
});

function connected(): { wire: SessionWire; host: SessionHost; raw: RawPeer } {
  const wire = new SessionWire();
  const host = wire.host("host");
  const raw = new RawPeer(wire, host);
  raw.connect();
  return { wire, host, raw };
}

/** A record of a kind that we do not know. */
function strange(lane: LaneCode, sequence: number, kind: number): Frame {
  const { record, ...position } = messageFrame(sequence, { lane });
  return { ...position, lane, record: Uint8Array.of(kind, ...record.subarray(1)) };
}

describe("in a session with a later version", () => {
  it("notes of an unknown kind are acknowledged and passed over, each once", () => {
    const { wire, host, raw } = connected();
    const packets = [7, 8, 128, 255].map((kind, i) => raw.send(strange(Lane.bulk, i + 1, kind)));
    const receipt = { kind: RecordKind.receipt, incarnation: "00".repeat(8), messageSequence: 9 };
    // A status of receipts that we do not know, and what is behind it.
    const body = Uint8Array.of(2, 0, 1, ...new Uint8Array(16), 7);
    const record = encodeRecord({ ...receipt, sentAtMs: 0, body });
    const position = { lane: Lane.bulk, sequence: 5, base: 1 };
    packets.push(raw.send({ type: FrameType.message, ...position, record }));
    wire.run(100);
    for (const packet of packets) expect(raw.wasAcknowledged(packet)).toBe(true);
    expect(host.context.counters.get("datagramsMalformed")).toBe(5);
    expect(host.events).toEqual([]);
    raw.send(strange(Lane.bulk, 1, 7));
    expect(host.context.counters.get("messagesDuplicate")).toBe(1);
    expect(host.context.counters.get("datagramsMalformed")).toBe(5);
  });

  it.each([Lane.ordered, Lane.requests, Lane.replies])(
    "a record of an unknown kind in lane %i is not acknowledged at first, and holds up nothing",
    (lane) => {
      const { wire, host, raw } = connected();
      const refused = raw.send(strange(lane, 1, 7));
      wire.run(100);
      expect(raw.wasAcknowledged(refused)).toBe(false);
      raw.send(messageFrame(lane === Lane.ordered ? 2 : 1, { text: "after it" }));
      const repeated = raw.send(strange(lane, 1, 7));
      wire.run(100);
      expect(raw.wasAcknowledged(repeated)).toBe(true);
      expect(host.texts).toEqual(["after it"]);
      expect(host.events).toHaveLength(1);
      expect(host.context.counters.get("datagramsMalformed")).toBe(1);
    },
  );

  it("a packet with an unknown frame changes nothing, and brings no word back", () => {
    const { wire, host, raw } = connected();
    wire.run(1000);
    const before = raw.datagrams.length;
    for (let type = 0x07; type < 0x100; type += 1) {
      const packet = raw.sendPayload(Uint8Array.of(FrameType.ping, type, 0, 0));
      expect(raw.wasAcknowledged(packet)).toBe(false);
    }
    wire.run(10_000);
    expect(raw.datagrams.length).toBe(before);
    expect(host.context.counters.get("datagramsMalformed")).toBe(0xf9);
    raw.send(messageFrame(1, { text: "still here" }));
    expect(host.texts).toEqual(["still here"]);
  });

  it("a reply with an unknown status ends the request as a failure", () => {
    const { wire, host, raw } = connected();
    const token = host.send({ kind: "address", to: raw.address }, "ask", { kind: "request" });
    wire.run(50);
    const status = ReplyStatus.ok;
    const body = encodeUtf8("because");
    const common = { incarnation: "00".repeat(8), messageSequence: 1, sentAtMs: 0 };
    const whole = { kind: RecordKind.reply, ...common, requestSequence: 1, status, body };
    const record = encodeRecord(whole);
    record[record.length - body.length - 1] = 77;
    const position = { lane: Lane.replies, sequence: 1, base: 1 };
    const packet = raw.send({ type: FrameType.message, ...position, record });
    wire.run(50);
    expect(raw.wasAcknowledged(packet)).toBe(true);
    expect(host.ofKind("reply")).toMatchObject([{ token, status: ReplyStatus.failed, body }]);
  });

  it("an INIT of an unknown suite is not answered", () => {
    const { wire, host, raw } = connected();
    const before = raw.datagrams.length;
    const cookie = new Uint8Array(0);
    for (let suite = 2; suite < 256; suite += 1) {
      raw.inject(encodeHandshakeInit({ senderIndex: suite, suite, cookie, message: cookie }));
    }
    wire.run(1000);
    expect(raw.datagrams.length).toBe(before);
    expect(host.sessions.halfOpenCount).toBe(0);
    expect(host.context.counters.get("handshakesRefused")).toBe(254);
  });

  it.each([2, 99, 255])("a CLOSE for an unknown reason (%i) is a CLOSE", (reason) => {
    const { host, raw } = connected();
    expect(host.sessions.sessionCount).toBe(1);
    raw.send({ type: FrameType.close, reason });
    expect(host.sessions.sessionCount).toBe(0);
  });
});

/** A datagram of `author` with these entries; the flags of the last one are changed. */
function said(author: GroupNode, sequence: number, entries: GroupEntry[], flags = 0): Uint8Array {
  const unsigned = encodeGroupData({
    groupId: TEST_GROUP.groupId,
    device: author.device,
    incarnation: author.context.incarnation,
    sequence,
    name: author.context.name,
    entries,
  });
  const last = entries.at(-1);
  if (last === undefined) throw new Error("no entries");
  const numbers = [last.messageSequence, last.sentAtMs, last.hlc, last.body.length];
  const behind = numbers.reduce((sum, number) => sum + varintBytes(number), last.body.length);
  unsigned[unsigned.length - behind - 1] = flags;
  return withSignature(unsigned, author.context.identity.sign(unsigned));
}

function line(text: string, messageSequence: number, piece: Partial<GroupEntry> = {}): GroupEntry {
  const sentAtMs = 1_700_000_000_000;
  const hlc = sentAtMs * 1024 + messageSequence;
  const body = encodeUtf8(text);
  return { messageSequence, sentAtMs, hlc, continues: false, continued: false, body, ...piece };
}

describe("in a group with a later version", () => {
  function pair(seed: number): { bus: GroupBus; later: GroupNode; present: GroupNode } {
    const bus = new GroupBus(seed);
    const [later, present] = bus.joined(2);
    if (later === undefined || present === undefined) throw new Error("unreachable");
    return { bus, later, present };
  }

  it("entries that we must not read as lines are kept, counted and not shown", () => {
    const { bus, later, present } = pair(1);
    let sequence = 0;
    for (const flags of PASSED_OVER_FLAGS) {
      sequence += 1;
      const entries = [line(`line ${sequence}`, 2 * sequence), line("?", 2 * sequence + 1)];
      const bytes = said(later, sequence, entries, flags);
      present.groups.receive(bus.nowMs, later.received(bytes));
      bus.poll(present);
      const of = { device: later.device, incarnation: later.context.incarnation };
      const kept = present.log.read(TEST_GROUP.groupId, of, { first: sequence, last: sequence });
      expect(kept.map((datagram) => Buffer.from(datagram.bytes))).toEqual([Buffer.from(bytes)]);
    }
    expect(present.texts()).toEqual(PASSED_OVER_FLAGS.map((_, i) => `line ${i + 1}`));
    expect(present.context.counters.get("groupEntriesUnknown")).toBe(PASSED_OVER_FLAGS.length);
    expect(present.context.counters.get("datagramsMalformed")).toBe(0);
  });

  it("entries that we must not read are no piece of a line either", () => {
    const { bus, later, present } = pair(2);
    const pieces = [
      said(later, 1, [line("a", 1, { continues: true })], 0x41),
      said(later, 2, [line("b", 1, { continued: true })], 0x02),
      said(later, 3, [line("c", 2, { continues: true })], 0x01),
      said(later, 4, [line("d", 2, { continued: true })], 0x82),
      said(later, 5, [line("next", 3)]),
    ];
    for (const bytes of pieces) present.groups.receive(bus.nowMs, later.received(bytes));
    bus.poll(present);
    expect(present.texts()).toEqual(["next"]);
  });

  it("whoever answers with an unknown purpose is asked again, and served", () => {
    const { bus, later, present } = pair(3);
    bus.run(20_000);
    // What it misses only an exchange brings, which `later` does not answer as we understand it.
    bus.carriesSync = false;
    bus.weather = ({ to, bytes }) => (to === present && isData(bytes) ? [] : [0.2]);
    later.say(bus.nowMs, "what is missing");
    const asks = (): number[] =>
      present.notes
        .map(({ body }) => decodeGroupSync(decodeSyncGroup(body).rest))
        .filter(({ purpose }) => purpose === GroupSyncPurpose.ask)
        .map(({ request }) => request);
    const before = asks().length;
    for (let waited = 0; asks().length === before && waited < 600; waited += 1) bus.run(100);
    expect(asks().length).toBeGreaterThan(before);
    const request = asks().at(-1) ?? 0;
    for (let purpose = 5; purpose < 256; purpose += 1) {
      const busy = encodeGroupSync({ purpose: GroupSyncPurpose.busy, request });
      const content = Uint8Array.of(purpose, ...busy.subarray(1), 1, 2, 3);
      const body = encodeOpenSync(TEST_GROUP.groupId, content);
      present.groups.receiveNote(bus.nowMs, later.ref, noteRecord("groupSync", body));
    }
    expect(present.context.counters.get("datagramsMalformed")).toBe(0);
    bus.carriesSync = true;
    bus.run(60_000);
    expect(present.texts()).toEqual(["what is missing"]);
  });
});
