import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { decodeSealedHeader, encodeReset } from "../../../../src/wire/session.js";
import { type SessionHost, SessionWire } from "../../../support/sessionWire.js";

/** Half a millisecond each way. */
function pair(): { wire: SessionWire; alice: SessionHost; bob: SessionHost } {
  const wire = new SessionWire();
  const [alice, bob] = [wire.host("alice"), wire.host("bob")];
  alice.roster.set(bob.id, bob.address);
  alice.sendToDevice(bob, "hello");
  wire.run(60_000);
  return { wire, alice, bob };
}

describe("a peer that restarted where it was", () => {
  it("is noticed within a round trip and a handshake, and gets what was said to it", () => {
    const { wire, alice, bob } = pair();
    bob.restart();
    alice.sendToDevice(bob, "again");
    wire.run(3); // packet, reset; init, response; finish and packet: 2.5 ms
    expect(bob.texts).toEqual(["hello", "again"]);
    expect(alice.context.counters.get("probesSent")).toBe(0);
  });

  it("is noticed while nobody speaks, when the roster hears of it", () => {
    const { wire, alice, bob } = pair();
    bob.restart();
    alice.sessions.restarted(wire.nowMs, bob.id);
    wire.run(4);
    const calls = alice.sentOfType("handshakeInit");
    expect(calls).toBe(2);
    alice.sendToDevice(bob, "again");
    wire.run(0.5);
    expect(bob.texts).toEqual(["hello", "again"]); // at once, in the session with the new start
    expect(alice.sentOfType("handshakeInit")).toBe(calls);
    expect(alice.sessions.sessionCount).toBe(1);
  });

  it("is noticed although the handshake's first message was lost", () => {
    const { wire, alice, bob } = pair();
    bob.restart();
    let lost = 0;
    wire.tap = ({ type }) => {
      if (type !== DatagramType.handshakeInit || lost > 0) return true;
      lost += 1;
      return false;
    };
    alice.sendToDevice(bob, "again");
    wire.run(60);
    expect(bob.texts).toEqual(["hello", "again"]);
  });

  it("takes the place of its former start when it calls first", () => {
    const { wire, alice, bob } = pair();
    bob.up = false;
    alice.sendToDevice(bob, "one");
    wire.run(10);
    bob.restart();
    bob.up = true;
    bob.sendTo(alice, "I am back");
    wire.run(2); // its handshake: no answer to what was sent to the former start is needed
    expect(bob.texts).toEqual(["hello", "one"]);
    expect(alice.context.counters.get("resetsReceived")).toBe(0);
    expect(alice.sessions.sessionCount).toBe(1);
  });

  it("does not lose its place to the former start, whose last handshake message comes late", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    let held: Uint8Array | undefined;
    wire.tap = ({ from, type, bytes }) => {
      if (from !== bob || type !== DatagramType.handshakeFinish || held !== undefined) return true;
      held = bytes;
      return false;
    };
    bob.sendTo(alice, "never arrives");
    wire.run(1.6);
    bob.restart();
    bob.sendTo(alice, "I am back");
    wire.run(100);
    const token = alice.send({ kind: "device", id: bob.id }, "really?", { kind: "request" });
    wire.run(10);
    expect(bob.ofKind("request")).toHaveLength(1);
    wire.inject(bob.address, alice, held ?? new Uint8Array(0));
    wire.run(2_000);
    // It is asked whether it still knows the request, and does.
    expect(alice.ofKind("failed")).toEqual([]);
    expect(alice.ofKind("delivered").map((event) => event.token)).toEqual([token]);
  });
});

describe("another device where the peer was", () => {
  it("gets what was sent to the address, once the peer does not answer; the rest fails", () => {
    const { wire, alice, bob } = pair();
    const carol = wire.host("carol");
    bob.up = false;
    carol.address = { ...bob.address };
    alice.sendTo(bob, "whoever is there");
    const token = alice.sendToDevice(bob, "for bob alone");
    wire.run(2_000);
    expect(carol.texts).toEqual(["whoever is there"]);
    expect(alice.ofKind("failed")).toMatchObject([{ token, code: "NO_SUCH_PEER" }]);
  });
});

describe("forged resets", () => {
  it("cost a handshake a second and nothing else: the conversation goes on in order", () => {
    const { wire, alice, bob } = pair();
    let last: Uint8Array | undefined;
    wire.tap = ({ from, type, bytes }) => {
      if (from === alice && type === DatagramType.sealed) last = bytes;
      return true;
    };
    const started = alice.context.counters.get("handshakesStarted");
    const texts = Array.from({ length: 1_000 }, (_, i) => `line ${i}`);
    for (const text of texts) {
      alice.sendToDevice(bob, text);
      wire.run(2);
      if (last !== undefined)
        wire.inject(bob.address, alice, encodeReset(decodeSealedHeader(last)));
      wire.run(3);
    }
    wire.run(1_000);
    expect(bob.texts).toEqual(["hello", ...texts]);
    expect(alice.ofKind("delivered")).toHaveLength(1_001);
    expect(alice.context.counters.get("resetsReceived")).toBeGreaterThan(900);
    const handshakes = alice.context.counters.get("handshakesStarted") - started;
    expect(handshakes).toBeGreaterThanOrEqual(5);
    expect(handshakes).toBeLessThanOrEqual(6);
  });

  it("do not end a session whose peer cannot be called", () => {
    const { wire, alice, bob } = pair();
    alice.sendToDevice(bob, "two");
    let last = new Uint8Array(0);
    wire.tap = ({ from, type, bytes }) => {
      if (from === alice && type === DatagramType.sealed) last = Uint8Array.from(bytes);
      return type !== DatagramType.handshakeInit;
    };
    wire.run(10);
    wire.inject(bob.address, alice, encodeReset(decodeSealedHeader(last)));
    wire.run(1_000);
    alice.sendToDevice(bob, "three");
    wire.run(10);
    expect(bob.texts).toEqual(["hello", "two", "three"]);
    expect(alice.sentOfType("handshakeInit")).toBe(2);
  });

  it("of a stranger who answers in the peer's place give it nothing", () => {
    const { wire, alice, bob } = pair();
    const mallory = wire.host("mallory");
    let last = new Uint8Array(0);
    // Only what calls the peer is diverted.
    wire.tap = ({ from, to, type, bytes }) => {
      if (from === alice && type === DatagramType.sealed) last = Uint8Array.from(bytes);
      if (from !== alice || to.address !== bob.address.address) return true;
      if (type !== DatagramType.handshakeInit && type !== DatagramType.handshakeFinish) return true;
      mallory.receive(wire.nowMs, bytes, alice.address);
      return false;
    };
    mallory.address = { ...bob.address };
    mallory.up = false;
    alice.sendToDevice(bob, "two");
    wire.run(10);
    mallory.up = true;
    bob.up = true;
    wire.inject(bob.address, alice, encodeReset(decodeSealedHeader(last)));
    wire.run(100);
    alice.sendToDevice(bob, "three");
    wire.run(3_000);
    expect(mallory.texts).toEqual([]);
    expect(bob.texts).toEqual(["hello", "two", "three"]);
    expect(alice.ofKind("failed")).toEqual([]);
  });
});
