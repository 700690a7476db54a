import { describe, expect, it } from "vitest";
import { DatagramType, MAX_AMPLIFICATION } from "../../../../src/wire/constants.js";
import { Writer } from "../../../../src/wire/cursor.js";
import { FrameType, writeFrame } from "../../../../src/wire/frames.js";
import {
  decodeHandshakeInit,
  decodeHandshakeResponse,
  decodeSealedHeader,
  encodeClaims,
  encodeCookie,
  encodeHandshakeFinish,
  encodeHandshakeInit,
  encodeHandshakeResponse,
  encodeReset,
} from "../../../../src/wire/session.js";
import { ackUpTo, RawPeer, sealed } from "../../../support/rawPeer.js";
import { type SessionHost, SessionWire } from "../../../support/sessionWire.js";
import { simIdentity } from "../../../support/simIdentity.js";

const NOTHING = new Uint8Array(0);
const REPEATS = 5;

/** A host in every state that an input can meet. */
class Stage {
  readonly wire = new SessionWire();
  /** A long name, so that its responses are as long as they get. */
  readonly host: SessionHost = this.wire.host("h".repeat(32));
  readonly raw = new RawPeer(this.wire, this.host);
  /** Has begun, and not finished. */
  readonly begun = new RawPeer(this.wire, this.host, "begun", 98);
  /** Was called, and has not answered. */
  readonly called = new RawPeer(this.wire, this.host, "called", 97);
  readonly halfOpenIndex: number;
  readonly dialIndex: number;

  constructor() {
    this.raw.connect();
    this.raw.send({ type: FrameType.ping });
    this.begun.inject(init(7));
    this.halfOpenIndex = decodeHandshakeResponse(this.begun.datagrams[0] ?? NOTHING).senderIndex;
    this.host.send({ kind: "address", to: this.called.address }, "hello");
    this.wire.run(0);
    this.dialIndex = decodeHandshakeInit(this.called.datagrams[0] ?? NOTHING).senderIndex;
  }

  get lastHeader(): ReturnType<typeof decodeSealedHeader> {
    const last = this.raw.datagrams.findLast((bytes) => bytes[2] === DatagramType.sealed);
    return decodeSealedHeader(last ?? NOTHING);
  }

  /** All that leaves the host within `spanMs`, less what it would have sent anyway. */
  extraBytes(spanMs: number, inputs: readonly Uint8Array[], from: RawPeer): number {
    const quiet = new Stage().bytesIn(spanMs, () => undefined);
    const busy = this.bytesIn(spanMs, () => {
      for (const bytes of inputs) this.wire.inject(from.address, this.host, bytes);
    });
    return busy - quiet;
  }

  bytesIn(spanMs: number, feed: () => void): number {
    let sentBytes = 0;
    const { tap } = this.wire;
    this.wire.tap = (datagram) => {
      sentBytes += datagram.bytes.length;
      return tap(datagram);
    };
    feed();
    this.wire.run(spanMs);
    return sentBytes;
  }
}

function init(senderIndex: number, cookie: Uint8Array = NOTHING): Uint8Array {
  return encodeHandshakeInit({ senderIndex, suite: 0, cookie, message: NOTHING });
}

const claims = encodeClaims({
  device: simIdentity("raw").device,
  incarnation: "00".repeat(8),
  dataPort: 22400,
  creditDatagrams: 64,
  announces: true,
  name: "",
});

type Who = "raw" | "begun" | "called";

/** Every input that nobody proved to have sent, each as short as it may be: from whom, and what. */
const inputs: readonly [string, Who, (stage: Stage) => Uint8Array, "answered" | "ignored"][] = [
  ["a first message", "raw", () => init(1), "answered"],
  ["a first message that was here before", "begun", () => init(7), "answered"],
  ["a first message with a wrong cookie", "raw", () => init(1, new Uint8Array(16)), "answered"],
  ["a second message for nobody", "raw", () => response(5, 5), "ignored"],
  ["a second message for a session", "raw", (s) => response(5, s.raw.remoteIndex), "ignored"],
  [
    "a second message that does not open",
    "called",
    (s) =>
      encodeHandshakeResponse({ senderIndex: 5, receiverIndex: s.dialIndex, message: NOTHING }),
    "ignored",
  ],
  ["a third message for nobody", "raw", () => finish(5), "ignored"],
  ["a third message for a session", "raw", (s) => finish(s.raw.remoteIndex), "ignored"],
  [
    "a third message that does not open",
    "begun",
    (s) => encodeHandshakeFinish({ receiverIndex: s.halfOpenIndex, message: NOTHING }),
    "ignored",
  ],
  ["a cookie for nobody", "raw", () => cookie(5, 16), "ignored"],
  ["a cookie for a dial", "called", (s) => cookie(s.dialIndex, 16), "answered"],
  ["an empty cookie for a dial", "called", (s) => cookie(s.dialIndex, 0), "answered"],
  ["a long cookie for a dial", "called", (s) => cookie(s.dialIndex, 255), "answered"],
  ["a sealed datagram for nobody", "raw", () => sealed(5, 5, NOTHING), "answered"],
  [
    "a sealed datagram without a tag",
    "raw",
    () => sealed(5, 5, NOTHING).subarray(0, 16),
    "ignored",
  ],
  [
    "a short sealed datagram for a half-open handshake",
    "begun",
    (s) => sealed(s.halfOpenIndex, 0, NOTHING),
    "ignored",
  ],
  [
    "a sealed datagram for a half-open handshake",
    "begun",
    (s) => sealed(s.halfOpenIndex, 0, new Uint8Array(32)),
    "answered",
  ],
  [
    "a sealed datagram with a wrong seal",
    "raw",
    (s) => sealed(s.raw.remoteIndex, 9, NOTHING).fill(1, 16),
    "ignored",
  ],
  ["a sealed datagram again", "raw", (s) => sealed(s.raw.remoteIndex, 0, NOTHING), "ignored"],
  ["a reset for nobody", "raw", () => encodeReset({ receiverIndex: 5, counter: 5 }), "ignored"],
  ["a reset for a session", "raw", (s) => encodeReset(s.lastHeader), "answered"],
];

function response(senderIndex: number, receiverIndex: number): Uint8Array {
  return encodeHandshakeResponse({ senderIndex, receiverIndex, message: claims });
}

function finish(receiverIndex: number): Uint8Array {
  return encodeHandshakeFinish({ receiverIndex, message: claims });
}

function cookie(receiverIndex: number, sizeBytes: number): Uint8Array {
  return encodeCookie({ receiverIndex, cookie: new Uint8Array(sizeBytes).fill(1) });
}

describe("bytes out for bytes in", () => {
  it.each(inputs)("are at most three times as many for %s", (_what, from, make, fate) => {
    const stage = new Stage();
    const bytes = make(stage);
    const sentBytes = stage.extraBytes(
      30,
      Array.from({ length: REPEATS }, () => bytes),
      stage[from],
    );
    expect(sentBytes).toBeLessThanOrEqual(MAX_AMPLIFICATION * REPEATS * bytes.length);
    if (fate === "answered") expect(sentBytes).toBeGreaterThan(0);
    else expect(sentBytes).toBeLessThanOrEqual(0);
  });

  it("are so for each single input, not only for many", () => {
    for (const [what, from, make] of inputs) {
      const stage = new Stage();
      const bytes = make(stage);
      const sentBytes = stage.extraBytes(30, [bytes], stage[from]);
      expect(sentBytes, what).toBeLessThanOrEqual(MAX_AMPLIFICATION * bytes.length);
    }
  });
});

describe("a peer that seems to be at another's address", () => {
  const there = { address: "10.0.0.77", port: 22400 };

  it("brings at most three bytes there for each of its own, however much waits for it", () => {
    const { wire, host, raw } = new Stage();
    const seen = { inBytes: 0, outBytes: 0 };
    const { tap } = wire;
    wire.tap = (datagram) => {
      if (datagram.to.address !== there.address) return tap(datagram);
      seen.outBytes += datagram.bytes.length;
      expect(seen.outBytes).toBeLessThanOrEqual(MAX_AMPLIFICATION * seen.inBytes);
      return false;
    };
    host.send({ kind: "device", id: raw.device }, "a".repeat(60_000));
    for (let round = 0; round < 200; round += 1) {
      host.send({ kind: "device", id: raw.device }, "a".repeat(400));
      // It acknowledges what it gets, and guesses at what it does not.
      const last = Math.max(0, ...raw.opened.map(({ counter }) => counter));
      const writer = new Writer(100);
      writeFrame(writer, ackUpTo(last));
      const bytes = sealed(raw.remoteIndex, 1 + round, writer.finish());
      seen.inBytes += bytes.length;
      wire.inject(there, host, bytes);
      wire.run(20);
    }
    expect(seen.outBytes).toBeGreaterThan(seen.inBytes);
    expect(raw.framesOf(FrameType.fragment).length).toBeGreaterThan(50);
  });
});

describe("first messages to where a device is said to be", () => {
  const there = { address: "10.0.0.77", port: 22400 };
  const device = simIdentity("bob").device;

  /** A host whose roster has heard enough for so many of them. */
  function listening(initsPaidFor: number): { wire: SessionWire; host: SessionHost } {
    const wire = new SessionWire();
    const host = wire.host("host");
    host.roster.set(device, there);
    let left = initsPaidFor;
    host.mayBeSent = (_nowMs, asked, to, sizeBytes) => {
      expect([asked, to, sizeBytes]).toEqual([device, there, 192]);
      left -= 1;
      return left >= 0;
    };
    return { wire, host };
  }

  it("are no more than what came from there pays for", () => {
    const { wire, host } = listening(2);
    host.send({ kind: "device", id: device }, "one");
    host.send({ kind: "device", id: device }, "two");
    wire.run(30_000);
    expect(host.sentOfType("handshakeInit")).toBe(2);
    host.mayBeSent = () => true;
    wire.run(10_000);
    expect(host.sentOfType("handshakeInit")).toBeGreaterThan(3);
  });

  it("are as many as are due if the user named the address, or somebody there has seen one", () => {
    const named = listening(1);
    named.host.send({ kind: "device", id: device }, "one");
    named.host.send({ kind: "address", to: there }, "two");
    named.wire.run(5_000);
    expect(named.host.sentOfType("handshakeInit")).toBeGreaterThan(15);
    const seen = listening(1);
    let first: Uint8Array | undefined;
    seen.wire.tap = ({ bytes }) => {
      first ??= bytes;
      return false;
    };
    seen.host.send({ kind: "device", id: device }, "one");
    seen.wire.run(1_000);
    expect(seen.host.sentOfType("handshakeInit")).toBe(1);
    const { senderIndex } = decodeHandshakeInit(first ?? NOTHING);
    seen.wire.inject(there, seen.host, cookie(senderIndex, 16));
    seen.wire.run(5_000);
    expect(seen.host.sentOfType("handshakeInit")).toBeGreaterThan(15);
  });
});

describe("the second message that a session came from", () => {
  /** A host that called, was answered, and heard nothing since. */
  function answered(): { stage: Stage; taken: Uint8Array } {
    const stage = new Stage();
    const taken = encodeHandshakeResponse({
      senderIndex: 77,
      receiverIndex: stage.dialIndex,
      message: claims,
    });
    stage.called.inject(taken);
    return { stage, taken };
  }
  const finishes = (stage: Stage): number =>
    stage.called.datagrams.filter((bytes) => bytes[2] === DatagramType.handshakeFinish).length;

  it("brings the third again, while nothing shows that it arrived", () => {
    const { stage, taken } = answered();
    expect(finishes(stage)).toBe(1);
    stage.called.inject(taken);
    expect(finishes(stage)).toBe(2);
    stage.called.remoteIndex = stage.dialIndex;
    stage.called.send({ type: FrameType.ping });
    stage.called.inject(taken);
    expect(finishes(stage)).toBe(2);
  });

  it("does so only as it was, to the last byte", () => {
    const { stage, taken } = answered();
    for (let index = 12; index < taken.length; index += 1) {
      const other = Uint8Array.from(taken);
      other[index] = (other[index] ?? 0) ^ 1;
      stage.wire.inject(stage.called.address, stage.host, other);
    }
    stage.wire.inject(stage.called.address, stage.host, taken.subarray(0, 12));
    stage.wire.run(2);
    expect(finishes(stage)).toBe(1);
  });
});

describe("an initiator that does not know yet whether it is heard", () => {
  it("pads its packets, so that each may bring the second message again", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    const sizes: number[] = [];
    let finishes = 0;
    wire.tap = ({ from, type, bytes }) => {
      if (from === alice && type === DatagramType.sealed) sizes.push(bytes.length);
      if (type === DatagramType.handshakeFinish) finishes += 1;
      return type !== DatagramType.handshakeFinish || finishes > 1;
    };
    alice.sendTo(bob, "x");
    wire.run(10); // before any probe: the packet was a reminder
    expect(finishes).toBe(2);
    wire.run(190);
    expect(bob.texts).toEqual(["x"]);
    expect(sizes[0]).toBe(64);
    alice.sendTo(bob, "y");
    wire.run(10);
    expect(sizes.at(-1)).toBeLessThan(64);
  });
});
