/** Sessions with the suite and the identities that are really used. */
import { describe, expect, it } from "vitest";
import type { HandshakeSuite } from "../../../../src/crypto/handshake.js";
import { type DeviceIdentity, identityFromSeed } from "../../../../src/crypto/identity.js";
import { noiseSuite } from "../../../../src/crypto/noise.js";
import { DatagramType } from "../../../../src/wire/constants.js";
import { decodeClaims, encodeClaims, MAX_CLAIMS_BYTES } from "../../../../src/wire/session.js";
import { SeededRandom } from "../../../support/seededRandom.js";
import { type HostOptions, type SessionHost, SessionWire } from "../../../support/sessionWire.js";

const identityOf = (name: string): DeviceIdentity =>
  identityFromSeed(new Uint8Array(32).fill(name.charCodeAt(0)));

function host(wire: SessionWire, name: string, options: HostOptions = {}): SessionHost {
  const identity = identityOf(name);
  return wire.host(name, { identity, suite: noiseSuite(identity), ...options });
}

function pair(seed = 1): { wire: SessionWire; alice: SessionHost; bob: SessionHost } {
  const wire = new SessionWire();
  return {
    wire,
    alice: host(wire, "alice", { seed }),
    bob: host(wire, "bob", { seed: seed + 99 }),
  };
}

describe("two devices", () => {
  it("establish a session, and nothing of what they say can be read on the way", () => {
    const { wire, alice, bob } = pair();
    const seen: Buffer[] = [];
    wire.tap = ({ bytes }) => {
      seen.push(Buffer.from(bytes));
      return true;
    };
    const text = "the meeting is at nine";
    alice.sendTo(bob, text);
    bob.sendTo(alice, text);
    wire.run(100);
    alice.sendTo(bob, text, "request");
    wire.run(100);
    expect(bob.texts).toEqual([text]);
    expect(alice.texts).toEqual([text]);
    expect(bob.ofKind("message")[0]?.from).toMatchObject({ id: alice.id, name: "alice" });
    expect(alice.ofKind("delivered")).toHaveLength(2);
    const all = Buffer.concat(seen);
    for (const secret of ["meeting", "alice", "bob"]) expect(all.includes(secret)).toBe(false);
    for (const { id } of [alice, bob]) expect(all.includes(Buffer.from(id, "hex"))).toBe(false);
  });

  it("settle on one session when both begin at once, also with losses", () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const { wire, alice, bob } = pair(seed);
      const random = new SeededRandom(seed);
      wire.tap = () => random.uniform() >= 0.2;
      alice.sendTo(bob, "from alice");
      bob.sendTo(alice, "from bob");
      wire.run(8_000);
      wire.tap = () => true;
      alice.sendTo(bob, "more from alice");
      bob.sendTo(alice, "more from bob");
      wire.run(8_000);
      expect(bob.texts, `seed ${seed}`).toEqual(["from alice", "more from alice"]);
      expect(alice.texts, `seed ${seed}`).toEqual(["from bob", "more from bob"]);
      expect([alice, bob].map(({ sessions }) => sessions.sessionCount)).toEqual([1, 1]);
    }
  });

  it.each(["handshakeInit", "handshakeResponse", "handshakeFinish", "sealed"] as const)(
    "get over the loss of the first %s",
    (type) => {
      const { wire, alice, bob } = pair();
      let lost = 0;
      wire.tap = (datagram) => {
        if (datagram.type !== DatagramType[type] || lost > 0) return true;
        lost += 1;
        return false;
      };
      alice.sendTo(bob, "hello");
      wire.run(300);
      expect(lost).toBe(1);
      expect(bob.texts).toEqual(["hello"]);
      expect(alice.ofKind("delivered")).toHaveLength(1);
    },
  );

  it("get over forged second and third messages, before and after the true ones", () => {
    for (const type of [DatagramType.handshakeResponse, DatagramType.handshakeFinish]) {
      const { wire, alice, bob } = pair();
      wire.tap = (datagram) => {
        if (datagram.type !== type) return true;
        const to = datagram.from === alice ? bob : alice;
        for (const at of [13, 60, datagram.bytes.length - 1]) {
          const forged = Uint8Array.from(datagram.bytes);
          forged[at] = (forged[at] ?? 0) ^ 1;
          wire.inject(datagram.from.address, to, forged);
        }
        return true;
      };
      alice.sendTo(bob, "hello");
      wire.run(10);
      expect(bob.texts).toEqual(["hello"]);
      expect(alice.sentOfType("handshakeInit")).toBe(1);
      const { counters } = type === DatagramType.handshakeFinish ? bob.context : alice.context;
      expect(counters.get("datagramsMalformed")).toBe(3);
    }
  });

  it("say in the longest handshake no more than thrice what they were told", () => {
    const wire = new SessionWire();
    const [alice, bob] = [host(wire, "a".repeat(32)), host(wire, "b".repeat(32))];
    const sizes = new Map<number | undefined, number>();
    wire.tap = ({ type, bytes }) => {
      if (!sizes.has(type)) sizes.set(type, bytes.length);
      return true;
    };
    alice.sendTo(bob, "x");
    wire.run(10);
    expect(MAX_CLAIMS_BYTES).toBe(79);
    expect(sizes.get(DatagramType.handshakeInit)).toBe(192);
    expect(sizes.get(DatagramType.handshakeResponse)).toBeLessThanOrEqual(3 * 64);
    expect(sizes.get(DatagramType.handshakeFinish)).toBeLessThanOrEqual(3 * 64);
    expect(sizes.get(DatagramType.sealed)).toBe(64);
  });

  it("replace their session, and a peer that restarted is noticed at once", () => {
    const wire = new SessionWire();
    const limits = { rekeyAfterPackets: 40 };
    const [alice, bob] = [host(wire, "alice", { limits }), host(wire, "bob", { limits })];
    const texts = Array.from({ length: 200 }, (_, i) => `line ${i}`);
    for (const text of texts) {
      alice.sendTo(bob, text);
      wire.run(20);
    }
    expect(bob.texts).toEqual(texts);
    expect(alice.context.counters.get("rekeys")).toBeGreaterThan(3);
    bob.restart();
    alice.sendTo(bob, "again");
    wire.run(3);
    expect(bob.texts.at(-1)).toBe("again");
  });

  it("open nothing that was turned over, cut, or was here before", () => {
    const { wire, alice, bob } = pair();
    const sealed: Uint8Array[] = [];
    wire.tap = ({ from, type, bytes }) => {
      if (from === alice && type === DatagramType.sealed) sealed.push(Uint8Array.from(bytes));
      return true;
    };
    alice.sendTo(bob, "hello");
    wire.run(100);
    const last = sealed.at(-1) ?? new Uint8Array(0);
    const received = bob.context.counters.get("packetsReceived");
    for (let bit = 0; bit < 8 * last.length; bit += 1) {
      const damaged = Uint8Array.from(last);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      bob.receive(wire.nowMs, damaged, alice.address);
    }
    for (let length = 0; length < last.length; length += 1) {
      bob.receive(wire.nowMs, last.subarray(0, length), alice.address);
    }
    for (const bytes of sealed) bob.receive(wire.nowMs, bytes, alice.address);
    wire.run(100);
    expect(bob.context.counters.get("packetsReceived")).toBe(received);
    expect(bob.texts).toEqual(["hello"]);
  });
});

describe("a device that claims another's key", () => {
  /** Speaks with its own key, and says that it is `victim`. */
  function lying(own: DeviceIdentity, victim: string): HandshakeSuite {
    const honest = noiseSuite(own);
    const lie = (claims: Uint8Array): Uint8Array =>
      encodeClaims({ ...decodeClaims(claims), device: victim });
    return {
      id: honest.id,
      initiate: (claims, random) => honest.initiate(lie(claims), random),
      respond: (message1, claims, random) => honest.respond(message1, lie(claims), random),
    };
  }

  it("is refused as initiator and as responder", () => {
    const wire = new SessionWire();
    const alice = host(wire, "alice");
    const identity = identityOf("mallory");
    const mallory = host(wire, "mallory", { suite: lying(identity, identityOf("bob").device) });
    mallory.sendTo(alice, "I am bob");
    wire.run(2_000);
    alice.send({ kind: "device", id: identityOf("bob").device, lastKnown: mallory.address }, "hi");
    alice.sendTo(mallory, "hi");
    wire.run(2_000);
    expect(alice.texts).toEqual([]);
    expect(mallory.texts).toEqual([]);
    expect(alice.sessions.sessionCount).toBe(0);
    expect(alice.context.counters.get("datagramsMalformed")).toBeGreaterThan(1);
  });
});

describe("three devices", () => {
  it("speak with one another, each pair for itself", () => {
    const wire = new SessionWire();
    const hosts = ["alice", "bob", "carol"].map((name) => host(wire, name));
    for (const one of hosts) {
      for (const other of hosts) if (one !== other) one.sendTo(other, `from ${one.name}`);
    }
    wire.run(1_000);
    for (const one of hosts) {
      const others = hosts.filter((other) => other !== one);
      expect(one.texts.toSorted()).toEqual(others.map((other) => `from ${other.name}`));
      expect(one.sessions.sessionCount).toBeGreaterThanOrEqual(2);
    }
  });
});
