import { describe, expect, it } from "vitest";
import type { Address } from "../../../../src/core/io.js";
import type { Limits } from "../../../../src/core/limits.js";
import type { HandshakeSuite } from "../../../../src/crypto/handshake.js";
import { UdpchatError } from "../../../../src/errors.js";
import { DatagramType } from "../../../../src/wire/constants.js";
import {
  decodeCookie,
  decodeHandshakeInit,
  decodeHandshakeResponse,
  encodeCookie,
  encodeHandshakeFinish,
  encodeHandshakeInit,
  encodeHandshakeResponse,
} from "../../../../src/wire/session.js";
import { clearSuite } from "../../../support/clearSuite.js";
import { messageFrame, RawPeer, sealed } from "../../../support/rawPeer.js";
import { type SessionHost, SessionWire } from "../../../support/sessionWire.js";

const NOTHING = new Uint8Array(0);

function init(senderIndex: number, cookie: Uint8Array = NOTHING): Uint8Array {
  return encodeHandshakeInit({ senderIndex, suite: 0, cookie, message: NOTHING });
}

const source = (i: number, port = 22400): Address => ({
  address: `10.1.${i >> 8}.${i % 256}`,
  port,
});

/** A host, and whatever it sends to addresses where nobody is. */
class Target {
  readonly wire = new SessionWire();
  readonly host: SessionHost;
  readonly answers: { to: Address; bytes: Uint8Array }[] = [];

  constructor(limits: Partial<Limits> = {}, suite: HandshakeSuite = clearSuite) {
    this.host = this.wire.host("host", { limits, suite });
    this.wire.tap = ({ to, bytes }) => {
      if (to.address.startsWith("10.1.")) this.answers.push({ to, bytes });
      return true;
    };
  }

  /** What comes back for a datagram. */
  feed(bytes: Uint8Array, from: Address): Uint8Array[] {
    const before = this.answers.length;
    this.host.receive(this.wire.nowMs, bytes, from);
    this.wire.run(0);
    return this.answers.slice(before).map((answer) => answer.bytes);
  }

  /** Begins with a cookie at once, as an initiator does that was asked for one. */
  cookieFor(senderIndex: number, from: Address): Uint8Array {
    const [asked] = this.feed(init(senderIndex), from);
    return decodeCookie(asked ?? NOTHING).cookie;
  }

  /** More first messages than are answered without cookies. */
  load(): void {
    for (let i = 0; i < 51; i += 1) this.feed(init(i), source(1_000 + i));
  }

  count(name: Parameters<SessionHost["context"]["counters"]["get"]>[0]): number {
    return this.host.context.counters.get(name);
  }
}

const typesOf = (datagrams: readonly Uint8Array[]): (number | undefined)[] =>
  datagrams.map((bytes) => bytes[2]);

describe("more first messages than 50 in a second", () => {
  it("are asked for a cookie of 64 bytes, and nothing of them is kept", () => {
    const target = new Target();
    for (let i = 0; i < 300; i += 1) {
      const answers = target.feed(init(i), source(i));
      const expected = i < 50 ? DatagramType.handshakeResponse : DatagramType.cookie;
      expect(typesOf(answers), `of ${i}`).toEqual([expected]);
      if (i >= 50) expect(answers[0]).toHaveLength(64);
    }
    expect(target.host.sessions.halfOpenCount).toBe(50);
    expect(target.count("cookiesSent")).toBe(250);
  });

  it("are answered again a second later", () => {
    const target = new Target();
    target.load();
    target.wire.run(1_000);
    expect(typesOf(target.feed(init(900), source(1)))).toEqual([DatagramType.handshakeResponse]);
  });

  it("are answered if they carry the cookie, from where it was sent to", () => {
    const target = new Target();
    target.load();
    const cookie = target.cookieFor(900, source(1));
    expect(typesOf(target.feed(init(900, cookie), source(2)))).toEqual([DatagramType.cookie]);
    expect(typesOf(target.feed(init(901, cookie), source(1)))).toEqual([DatagramType.cookie]);
    expect(typesOf(target.feed(init(900, cookie), source(1)))).toEqual([
      DatagramType.handshakeResponse,
    ]);
    expect(target.count("cookiesAccepted")).toBe(1);
  });

  it("do not keep a repeat from its response", () => {
    const target = new Target();
    const [response] = target.feed(init(900), source(1));
    target.load();
    expect(target.feed(init(900), source(1))).toEqual([response]);
  });

  it("cost an honest sender one round trip more", () => {
    const target = new Target();
    const honest = target.wire.host("zoe");
    target.load();
    honest.sendTo(target.host, "hello");
    target.wire.run(10);
    expect(target.host.texts).toEqual(["hello"]);
    // INIT, COOKIE, INIT, RESPONSE, FINISH and text, ACK: half a millisecond each
    expect(honest.ofKind("delivered")[0]?.rttMs).toBeCloseTo(3, 5);
    expect(honest.sentOfType("handshakeInit")).toBe(2);
  });

  it("keep no honest sender out: 20,000 from 200 addresses, and 100 sends that all arrive", () => {
    const target = new Target();
    const honest = Array.from({ length: 10 }, (_, i) => target.wire.host(`honest ${i}`));
    for (let i = 0; i < 20_000; i += 1) {
      target.host.receive(target.wire.nowMs, init(i), source(i % 200));
      if (i % 200 === 0) {
        honest[(i / 200) % 10]?.sendTo(target.host, `text ${i / 200}`);
        target.wire.run(5);
      }
    }
    target.wire.run(3_000);
    expect(new Set(target.host.texts).size).toBe(100);
    expect(target.host.texts).toHaveLength(100);
    expect(target.host.sessions.halfOpenCount).toBeLessThanOrEqual(256);
  });
});

describe("first messages of many addresses that are the sender's own", () => {
  it("are answered a thousand times a second in all", () => {
    const target = new Target({ handshakesPerSecondBeforeCookies: 0 });
    let answered = 0;
    for (let i = 0; i < 2_000; i += 1) {
      answered += target.feed(init(i, target.cookieFor(i, source(i))), source(i)).length;
    }
    expect(answered).toBe(1_000);
    target.wire.run(1_000);
    const cookie = target.cookieFor(1, source(1));
    expect(typesOf(target.feed(init(1, cookie), source(1)))).toEqual([
      DatagramType.handshakeResponse,
    ]);
  });
});

describe("a flood of forged datagrams in a peer's name", () => {
  it("does not keep its handshakes from us, nor ours from it", () => {
    const wire = new SessionWire();
    const limits = { unauthenticatedPerSecondPerSource: 1, unauthenticatedPerSecond: 1 };
    const [alice, bob] = [wire.host("alice", { limits }), wire.host("bob")];
    // What the signatures of groups and beacons spend, from there and beyond that.
    while (alice.context.gate.admits(0, bob.address.address)) continue;
    bob.sendTo(alice, "hello");
    wire.run(0.6);
    alice.sendTo(bob, "hello yourself");
    wire.run(50);
    expect(alice.texts).toEqual(["hello"]);
    expect(bob.texts).toEqual(["hello yourself"]);
  });
});

describe("a flood of sealed datagrams for nobody", () => {
  it("does not keep the reset from a peer whose session we lost", () => {
    const target = new Target();
    const stray = (i: number): Uint8Array => sealed(i, i, new Uint8Array(64));
    for (let i = 0; i < 200; i += 1) target.feed(stray(i), source(1));
    const atVictim = target.answers.length;
    expect(atVictim).toBe(50);
    expect(typesOf(target.feed(stray(1), source(2)))).toEqual([DatagramType.reset]);
  });
});

describe("first messages of one address", () => {
  const few = { handshakesPerSecondPerSource: 2, handshakeBurstPerSource: 4 };

  it("that proved to be its own are dropped beyond its allowance", () => {
    const target = new Target({ ...few, handshakesPerSecondBeforeCookies: 0 });
    const answered = Array.from({ length: 20 }, (_, i) => {
      const cookie = target.cookieFor(i, source(1, i + 1));
      return target.feed(init(i, cookie), source(1, i + 1)).length;
    });
    expect(answered.filter((count) => count > 0)).toHaveLength(4);
    expect(target.count("handshakesThrottled")).toBe(16);
    // Another address is not concerned.
    const cookie = target.cookieFor(99, source(2));
    expect(target.feed(init(99, cookie), source(2))).toHaveLength(1);
  });

  it("that may be forged are asked for a cookie beyond that: who is there gets in", () => {
    const target = new Target(few);
    for (let i = 0; i < 20; i += 1) target.feed(init(i), source(1));
    expect(target.host.sessions.halfOpenCount).toBe(4);
    const cookie = target.cookieFor(99, source(1));
    expect(typesOf(target.feed(init(99, cookie), source(1)))).toEqual([
      DatagramType.handshakeResponse,
    ]);
  });
});

describe("a cookie that reaches an initiator", () => {
  function dialling(): { target: Target; index: number; inits: () => Uint8Array[] } {
    const target = new Target();
    const to = source(1);
    target.host.send({ kind: "address", to }, "hello");
    target.wire.run(0);
    const first = target.answers[0]?.bytes ?? NOTHING;
    const inits = (): Uint8Array[] => target.answers.map((answer) => answer.bytes);
    return { target, index: decodeHandshakeInit(first).senderIndex, inits };
  }
  const asked = (receiverIndex: number, fill: number, sizeBytes = 16): Uint8Array =>
    encodeCookie({ receiverIndex, cookie: new Uint8Array(sizeBytes).fill(fill) });

  it("is shown at once, and by every repeat, but hurries only one of them", () => {
    const { target, index, inits } = dialling();
    for (let i = 1; i <= 10; i += 1) target.feed(asked(index, i), source(1));
    expect(inits()).toHaveLength(2);
    expect(decodeHandshakeInit(inits()[1] ?? NOTHING).cookie[0]).toBe(1);
    target.wire.run(60);
    expect(inits()).toHaveLength(3);
    expect(decodeHandshakeInit(inits()[2] ?? NOTHING).cookie[0]).toBe(10);
    for (const bytes of inits()) expect(bytes).toHaveLength(192);
    target.feed(asked(index, 11), source(1));
    expect(inits()).toHaveLength(4);
  });

  it("is ignored if it comes from elsewhere, or is for nobody", () => {
    const { target, index, inits } = dialling();
    target.feed(asked(index, 1), source(2));
    target.feed(asked(index, 1), source(1, 1));
    target.feed(asked(index + 1, 1), source(1));
    expect(inits()).toHaveLength(1);
    target.wire.run(60);
    expect(decodeHandshakeInit(inits()[1] ?? NOTHING).cookie).toHaveLength(0);
  });
});

describe("forged messages of a handshake", () => {
  /** The clear suite, with every message that is opened counted, and all of them forged. */
  function counting(): { suite: HandshakeSuite; opened: () => number } {
    let opened = 0;
    const refuse = (): never => {
      opened += 1;
      throw new UdpchatError("MALFORMED_DATAGRAM", "malformed datagram: forged");
    };
    const suite: HandshakeSuite = {
      id: 0,
      initiate: () => ({ message1: NOTHING, finish: refuse }),
      respond: (_message1, claims) => ({ message2: claims, accept: refuse }),
    };
    return { suite, opened: () => opened };
  }
  const bounds = { unauthenticatedPerSecondPerSource: 20, unauthenticatedPerSecond: 50 };

  it("cost no more key agreements than the allowance: third messages", () => {
    const { suite, opened } = counting();
    const target = new Target(bounds, suite);
    const [response] = target.feed(init(1), source(1));
    const receiverIndex = decodeHandshakeResponse(response ?? NOTHING).senderIndex;
    const forged = encodeHandshakeFinish({ receiverIndex, message: new Uint8Array(64) });
    for (let i = 0; i < 1_000; i += 1) target.feed(forged, source(1));
    expect(opened()).toBe(70);
    expect(target.count("datagramsThrottled")).toBe(930);
  });

  it("cost no more key agreements than the allowance: second messages", () => {
    const { suite, opened } = counting();
    const target = new Target(bounds, suite);
    target.host.send({ kind: "address", to: source(1) }, "hello");
    target.wire.run(0);
    const receiverIndex = decodeHandshakeInit(target.answers[0]?.bytes ?? NOTHING).senderIndex;
    const message = new Uint8Array(64);
    const forged = encodeHandshakeResponse({ senderIndex: 1, receiverIndex, message });
    for (let i = 0; i < 1_000; i += 1) target.feed(forged, source(1));
    expect(opened()).toBe(70);
    expect(target.count("datagramsThrottled")).toBe(930);
  });
});

describe("handshakes that were completed by peers who say nothing", () => {
  const patient = {
    sessions: 100,
    handshakesPerSecondBeforeCookies: 10_000,
    handshakesPerSecondPerSource: 10_000,
    handshakeBurstPerSource: 10_000,
  };

  it("cost no peer anything that ever said something, and let the next ones in", () => {
    const target = new Target(patient);
    const friends = Array.from({ length: 70 }, (_, i) => target.wire.host(`friend ${i}`));
    for (const friend of friends) friend.sendTo(target.host, "hello");
    target.wire.run(50);
    for (let i = 0; i < 500; i += 1) {
      const silent = new RawPeer(target.wire, target.host, `silent ${i}`, 99);
      silent.connect();
    }
    const handshakes = friends[0]?.sentOfType("handshakeInit");
    const newcomer = target.wire.host("newcomer");
    newcomer.sendTo(target.host, "me too");
    for (const friend of friends) friend.sendTo(target.host, "still here");
    target.wire.run(50);
    expect(target.host.texts).toHaveLength(70 + 1 + 70);
    expect(friends[0]?.sentOfType("handshakeInit")).toBe(handshakes);
    expect(target.host.context.counters.get("resetsSent")).toBe(0);
    expect(target.host.sessions.sessionCount).toBeLessThanOrEqual(2 * patient.sessions);
  });

  it("of one device with ever new incarnations leave 16 links", () => {
    const target = new Target(patient);
    const raw = new RawPeer(target.wire, target.host);
    for (let i = 0; i < 50; i += 1) {
      // Each from another port, as if all were alive.
      const other = new RawPeer(target.wire, target.host, "raw", 100 + i);
      other.connect({ incarnation: i.toString(16).padStart(16, "0") });
      other.send(messageFrame(1));
    }
    expect(target.host.texts).toHaveLength(50);
    expect(target.host.sessions.sessionCount).toBe(16);
    raw.connect({ incarnation: "ff".repeat(8) });
    raw.send(messageFrame(1));
    expect(target.host.texts).toHaveLength(51);
  });
});
