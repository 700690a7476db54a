import { describe, expect, it } from "vitest";
import { DatagramType, MAX_DATAGRAM_BYTES } from "../../../../src/wire/constants.js";
import { FrameType, Lane } from "../../../../src/wire/frames.js";
import { ackUpTo, messageFrame, RawPeer } from "../../../support/rawPeer.js";
import { SeededRandom } from "../../../support/seededRandom.js";
import { type SessionHost, SessionWire } from "../../../support/sessionWire.js";

function connected(options: { creditDatagrams?: number } = {}): {
  wire: SessionWire;
  host: SessionHost;
  raw: RawPeer;
} {
  const wire = new SessionWire();
  const host = wire.host("host");
  const raw = new RawPeer(wire, host);
  raw.connect(options);
  return { wire, host, raw };
}

function sendToRaw(host: SessionHost, raw: RawPeer, text: string): void {
  host.sessions.send(0, {
    token: 1000 + raw.opened.length,
    target: { kind: "address", to: raw.address },
    kind: "text",
    body: new TextEncoder().encode(text),
    sentAtMs: 0,
    messageSequence: 1,
  });
}

describe("a datagram", () => {
  it("never exceeds 1200 bytes, and full ones are nearly full", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    const random = new SeededRandom(3);
    let largestBytes = 0;
    wire.tap = ({ bytes }) => {
      largestBytes = Math.max(largestBytes, bytes.length);
      return random.uniform() >= 0.2; // losses make acknowledgements with many ranges
    };
    for (let i = 0; i < 60; i += 1) {
      alice.sendTo(bob, "x".repeat(Math.floor(random.uniform() * 5_000)));
      bob.sendTo(alice, "y".repeat(Math.floor(random.uniform() * 1_200)));
    }
    wire.run(60_000);
    expect(bob.texts).toHaveLength(60);
    expect(alice.texts).toHaveLength(60);
    expect(largestBytes).toBeLessThanOrEqual(MAX_DATAGRAM_BYTES);
    expect(largestBytes).toBeGreaterThan(MAX_DATAGRAM_BYTES - 80);
  });

  it("takes an acknowledgement that is owed along", () => {
    const { host, raw, wire } = connected();
    raw.send(messageFrame(1, { lane: Lane.requests }));
    const before = raw.opened.length;
    sendToRaw(host, raw, "hello");
    wire.run(1);
    expect(raw.opened.slice(before).map((packet) => packet.frames.map((f) => f.type))).toEqual([
      [FrameType.ack, FrameType.message],
    ]);
  });

  it("goes without an acknowledgement of very many ranges, which goes alone", () => {
    const { host, raw, wire } = connected();
    for (let i = 0; i < 40; i += 1) {
      raw.sendPayload(new Uint8Array([0xee])); // unknown frame: taken by nobody, a hole
      raw.send(messageFrame(1, { lane: Lane.requests }));
    }
    raw.send({ type: FrameType.advance, lane: Lane.replies, base: 1 });
    const before = raw.opened.length;
    for (let i = 0; i < 3; i += 1) sendToRaw(host, raw, "x".repeat(1_100));
    wire.run(1);
    const packets = raw.opened.slice(before);
    expect(packets.length).toBeGreaterThanOrEqual(3);
    for (const { sizeBytes } of packets) expect(sizeBytes).toBeLessThanOrEqual(MAX_DATAGRAM_BYTES);
  });

  it("carries short messages before the slices of a long one", () => {
    const { host, raw, wire } = connected();
    sendToRaw(host, raw, "x".repeat(20_000));
    sendToRaw(host, raw, "short");
    wire.run(1);
    const content = raw.opened.flatMap((packet) => packet.frames.map((frame) => frame.type));
    const firstSlice = content.indexOf(FrameType.fragment);
    expect(content.indexOf(FrameType.message)).toBeLessThan(firstSlice);
    expect(firstSlice).toBeGreaterThan(0);
  });
});

describe("the credit of the peer", () => {
  it("bounds what is in flight, from the claims on", () => {
    for (const creditDatagrams of [1, 4]) {
      const { host, raw, wire } = connected({ creditDatagrams });
      for (let i = 0; i < 20; i += 1) sendToRaw(host, raw, "x".repeat(1_000));
      wire.run(40); // before the first probe
      expect(raw.opened).toHaveLength(creditDatagrams);
    }
  });

  it("is replaced by every acknowledgement, and never falls to nothing", () => {
    const { host, raw, wire } = connected({ creditDatagrams: 4 });
    for (let i = 0; i < 40; i += 1) sendToRaw(host, raw, "x".repeat(1_000));
    wire.run(1);
    const newPackets = (credit: number): number => {
      const last = raw.opened.at(-1)?.counter ?? -1;
      const before = raw.opened.length;
      raw.send(ackUpTo(last, credit));
      wire.run(5);
      return raw.opened.length - before;
    };
    expect(newPackets(2)).toBe(2);
    expect(newPackets(6)).toBe(6);
    expect(newPackets(0)).toBe(1);
  });

  it("is not credited beyond what congestion control allows", () => {
    const { host, raw, wire } = connected({ creditDatagrams: 65_535 });
    for (let i = 0; i < 100; i += 1) sendToRaw(host, raw, "x".repeat(1_000));
    wire.run(40);
    expect(raw.opened.length).toBeLessThanOrEqual(12);
  });
});

describe("a packet that arrives twice", () => {
  it("is taken once", () => {
    const { host, raw } = connected();
    raw.send(messageFrame(1, { lane: Lane.requests }));
    const counters = host.context.counters;
    expect(host.ofKind("request")).toHaveLength(1);
    raw.repeat(0);
    raw.repeat(0);
    expect(counters.get("packetsDuplicate")).toBe(2);
    expect(counters.get("messagesDuplicate")).toBe(0);
    expect(host.sentOfType("reset")).toBe(0);
    expect(raw.datagrams.filter((d) => d[2] === DatagramType.sealed).length).toBeLessThan(3);
  });
});
