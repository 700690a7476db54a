import { describe, expect, it } from "vitest";
import type { Limits } from "../../../../src/core/limits.js";
import { LANE_WINDOW_RECORDS } from "../../../../src/core/session/outboundLane.js";
import { DatagramType } from "../../../../src/wire/constants.js";
import { type FragmentFrame, FrameType, Lane } from "../../../../src/wire/frames.js";
import { encodeRecord, MAX_RECORD_BYTES, RecordKind } from "../../../../src/wire/record.js";
import { decodeSealedHeader, encodeReset } from "../../../../src/wire/session.js";
import { ackUpTo, messageFrame, RawPeer } from "../../../support/rawPeer.js";
import { SeededRandom } from "../../../support/seededRandom.js";
import { type SessionHost, SessionWire } from "../../../support/sessionWire.js";

function connected(limits: Partial<Limits> = {}): {
  wire: SessionWire;
  host: SessionHost;
  raw: RawPeer;
} {
  const wire = new SessionWire();
  const host = wire.host("host", { limits });
  const raw = new RawPeer(wire, host);
  raw.connect();
  return { wire, host, raw };
}

/** A text of `sizeBytes` in all, filled with `fill`, as a record. */
function record(sizeBytes: number, fill = "x"): Uint8Array {
  const head = { kind: RecordKind.text, incarnation: "00".repeat(8), messageSequence: 1 } as const;
  const empty = encodeRecord({ ...head, sentAtMs: 0, body: new Uint8Array(0) });
  const body = new TextEncoder().encode(fill.repeat(sizeBytes - empty.length));
  return encodeRecord({ ...head, sentAtMs: 0, body });
}

function slice(sequence: number, whole: Uint8Array, from: number, to: number): FragmentFrame {
  return {
    type: FrameType.fragment,
    lane: Lane.ordered,
    sequence,
    base: 1,
    totalBytes: whole.length,
    offset: from,
    slice: whole.subarray(from, to),
  };
}

describe("a packet that breaks a rule", () => {
  const whole = record(1000);
  const payloads: [string, (raw: RawPeer) => number][] = [
    ["acknowledges what was never sent", (raw) => raw.send(ackUpTo(1000))],
    ["has an unknown frame", (raw) => raw.sendPayload(new Uint8Array([0x07]))],
    ["is cut inside a frame", (raw) => raw.sendPayload(new Uint8Array([0x03, 0, 1]))],
    [
      "has a text on the lane of requests",
      (raw) => raw.send({ ...messageFrame(1), lane: Lane.requests }),
    ],
    [
      "has an empty record",
      (raw) => raw.send({ ...messageFrame(1, { lane: Lane.requests }), record: new Uint8Array(0) }),
    ],
    ["lies beyond the window", (raw) => raw.send(messageFrame(LANE_WINDOW_RECORDS + 1))],
    ["has a slice that is too small", (raw) => raw.send(slice(1, whole, 0, 255))],
    [
      "has a record that is too large",
      (raw) => raw.send({ ...slice(1, whole, 0, 500), totalBytes: MAX_RECORD_BYTES + 1 }),
    ],
  ];

  it.each(payloads)("because it %s is dropped, and the session lives", (_what, send) => {
    const { host, raw, wire } = connected();
    const packetNumber = send(raw);
    wire.run(100);
    expect(host.context.counters.get("datagramsMalformed")).toBe(1);
    expect(raw.wasAcknowledged(packetNumber)).toBe(false);
    expect(host.ofKind("message")).toEqual([]);
    expect(host.ofKind("request")).toEqual([]);
    // Sequences of lane 1 may be used up by now, not those of texts.
    const honest = raw.send(messageFrame(1, { text: "honest" }));
    wire.run(100);
    expect(raw.wasAcknowledged(honest)).toBe(true);
    expect(host.texts).toEqual(["honest"]);
  });

  it("because its slices disagree is dropped, and the record can still be finished", () => {
    const { host, raw } = connected();
    raw.send(slice(1, whole, 0, 500));
    const other = raw.send(slice(1, record(1001), 500, 1001));
    expect(raw.wasAcknowledged(other)).toBe(false);
    raw.send(slice(1, whole, 500, 1000));
    expect(host.texts).toHaveLength(1);
  });

  it("is never thrown, whatever its bytes are", () => {
    const many = { handshakesPerSecondPerSource: 1_000, handshakeBurstPerSource: 1_000 };
    const { host, raw, wire } = connected({ reassemblyBytes: 100_000, ...many });
    const random = new SeededRandom(42);
    for (let i = 0; i < 3_000; i += 1) {
      if (i % 20 === 0) raw.connect(); // some of it is a CLOSE
      const payload = random.bytes(1 + Math.floor(random.uniform() * 60));
      payload[0] = (payload[0] ?? 0) % 7;
      if (payload.length > 1) payload[1] = (payload[1] ?? 0) % 3;
      raw.sendPayload(payload);
    }
    wire.run(60_000);
    expect(host.context.counters.get("datagramsMalformed")).toBeGreaterThan(1_000);
  });
});

describe("memory for unfinished records", () => {
  it("is bounded per peer: refused without an acknowledgement, taken when there is room", () => {
    const { host, raw, wire } = connected({ reassemblyBytesPerPeer: 1_500 });
    const whole = record(1_000);
    raw.send(slice(1, whole, 0, 500));
    const refused = raw.send(slice(2, whole, 0, 500));
    wire.run(30);
    expect(raw.wasAcknowledged(refused)).toBe(false);
    expect(host.context.counters.get("packetsRefused")).toBe(1);
    raw.send(slice(1, whole, 500, 1_000));
    // The packet number was not marked: even the very same packet would do.
    raw.repeat(refused);
    wire.run(30);
    expect(raw.wasAcknowledged(refused)).toBe(true);
    raw.send(slice(2, whole, 500, 1_000));
    expect(host.texts).toHaveLength(2);
  });

  it("is bounded for all peers together, and a peer that goes gives it back", () => {
    const { wire, host, raw } = connected({ reassemblyBytes: 1_500 });
    const second = new RawPeer(wire, host, "second", 98);
    second.connect();
    const whole = record(1_000);
    raw.send(slice(1, whole, 0, 500));
    const refused = second.send(slice(1, whole, 0, 500));
    wire.run(30);
    expect(second.wasAcknowledged(refused)).toBe(false);
    raw.send({ type: FrameType.close, reason: 0 });
    second.repeat(refused);
    wire.run(30);
    expect(second.wasAcknowledged(refused)).toBe(true);
  });

  it("is given back after 10 s: the session is closed", () => {
    const { raw, wire } = connected();
    raw.send(slice(1, record(1_000), 0, 500));
    wire.run(9_900);
    expect(raw.framesOf(FrameType.close)).toEqual([]);
    wire.run(200);
    expect(raw.framesOf(FrameType.close)).toMatchObject([{ reason: 1 }]);
  });

  it("of a record that stalled is freed, and the record is sent again in the next session", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    let packets = 0;
    let closed = false;
    wire.tap = ({ from, type }) => {
      if (type === DatagramType.handshakeInit && packets > 5) closed = true;
      if (from === alice && type === DatagramType.sealed) packets += 1;
      return closed || from !== alice || packets <= 5;
    };
    alice.sendTo(bob, "x".repeat(30_000));
    wire.run(60_000);
    expect(closed).toBe(true);
    expect(bob.texts).toEqual(["x".repeat(30_000)]);
    expect(alice.ofKind("delivered")).toHaveLength(1);
  });
});

describe("a session that replaced another", () => {
  it("does not mix slices with it, and what is late in the old one is not acknowledged", () => {
    const { host, raw, wire } = connected();
    const oldIndex = raw.remoteIndex;
    const [old, fresh] = [record(1_000, "o"), record(1_000, "n")];
    raw.send(slice(1, old, 0, 600));
    raw.connect();
    expect(raw.remoteIndex).not.toBe(oldIndex);
    raw.send(slice(1, fresh, 0, 400));
    raw.sendInOld(oldIndex, 1, slice(1, old, 400, 1_000));
    wire.run(30);
    expect(host.texts).toEqual([]);
    raw.send(slice(1, fresh, 400, 1_000));
    expect(host.texts).toEqual(["n".repeat(host.texts[0]?.length ?? 0)]);
  });

  it("still receives texts for 3 s, and then answers with a reset", () => {
    const { host, raw, wire } = connected();
    const oldIndex = raw.remoteIndex;
    raw.connect();
    raw.sendInOld(oldIndex, 0, messageFrame(1));
    expect(host.texts).toEqual(["text 1"]);
    wire.run(3_000);
    raw.sendInOld(oldIndex, 1, messageFrame(2));
    expect(host.texts).toEqual(["text 1"]);
    expect(host.sentOfType("reset")).toBe(1);
  });
});

describe("a reset", () => {
  /** The header of the last sealed datagram that the host sent. */
  function lastHeader(raw: RawPeer): { receiverIndex: number; counter: number } {
    const last = raw.datagrams.findLast((datagram) => datagram[2] === DatagramType.sealed);
    return decodeSealedHeader(last ?? new Uint8Array(0));
  }

  function withTraffic(): ReturnType<typeof connected> {
    const bench = connected();
    bench.raw.send({ type: FrameType.ping });
    return bench;
  }

  it("for a packet that was sent brings a handshake, and the session lives on", () => {
    const { host, raw, wire } = withTraffic();
    for (let i = 0; i < 100; i += 1) {
      raw.inject(encodeReset(lastHeader(raw)));
      wire.run(30);
    }
    expect(host.context.counters.get("resetsReceived")).toBe(100);
    expect(host.sentOfType("handshakeInit")).toBeGreaterThanOrEqual(3);
    expect(host.sentOfType("handshakeInit")).toBeLessThanOrEqual(4); // one a second
    const ping = raw.send({ type: FrameType.ping });
    expect(raw.wasAcknowledged(ping)).toBe(true);
    expect(host.sentOfType("reset")).toBe(0);
  });

  it("for a packet that was never sent, or for another index, changes nothing", () => {
    const { host, raw, wire } = withTraffic();
    const header = lastHeader(raw);
    raw.inject(encodeReset({ ...header, counter: header.counter + 1 }));
    raw.inject(encodeReset({ ...header, receiverIndex: header.receiverIndex + 1 }));
    wire.inject({ address: "10.0.0.66", port: 22400 }, host, encodeReset(header));
    wire.run(10);
    expect(host.context.counters.get("resetsReceived")).toBe(0);
    const ping = raw.send({ type: FrameType.ping });
    expect(raw.wasAcknowledged(ping)).toBe(true);
  });

  it("is never answered, and resets are rationed", () => {
    const { host, raw } = connected();
    const before = raw.datagrams.length;
    for (let i = 0; i < 20; i += 1) raw.inject(encodeReset({ receiverIndex: i, counter: i }));
    expect(raw.datagrams.length).toBe(before);
    for (let i = 0; i < 60; i += 1) raw.sendInOld(i, 0, { type: FrameType.ping });
    expect(host.sentOfType("reset")).toBeGreaterThanOrEqual(50);
    expect(host.sentOfType("reset")).toBeLessThan(55);
  });
});
