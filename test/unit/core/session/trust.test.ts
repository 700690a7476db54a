import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { type SessionHost, SessionWire } from "../../../support/sessionWire.js";

/** Alice, who decides, and two others. */
class Scene {
  readonly wire = new SessionWire();
  readonly blocked = new Set<string>();
  readonly verified = new Set<string>();
  readonly alice: SessionHost = this.wire.host("alice", {
    trust: {
      isBlocked: (device) => this.blocked.has(device),
      isVerified: (device) => this.verified.has(device),
    },
  });
  readonly bob: SessionHost = this.wire.host("bob");

  constructor() {
    this.alice.roster.set(this.bob.id, this.bob.address);
  }

  /** Code of the only failure. */
  get codes(): string[] {
    return this.alice.ofKind("failed").map((event) => event.code);
  }
}

describe("a blocked device", () => {
  it("gets no session: nothing that it says arrives", () => {
    const { wire, alice, bob, blocked } = new Scene();
    blocked.add(bob.id);
    bob.sendTo(alice, "hello");
    wire.run(5_000);
    expect(alice.texts).toEqual([]);
    expect(alice.sessions.sessionCount).toBe(0);
    expect(alice.context.counters.get("datagramsBlocked")).toBeGreaterThan(0);
    expect(bob.ofKind("delivered")).toEqual([]);
  });

  it("is left alone by whoever does not know that it is blocked, once nothing waits", () => {
    const { wire, alice, bob, blocked } = new Scene();
    blocked.add(bob.id);
    const token = bob.sendTo(alice, "hello");
    wire.run(5_000);
    bob.sessions.cancel(wire.nowMs, token);
    wire.run(60_000);
    const before = bob.sent.length;
    wire.run(60_000);
    expect(bob.sent.length - before).toBe(0);
  });

  it("is not written to, and not called", () => {
    const scene = new Scene();
    scene.blocked.add(scene.bob.id);
    scene.alice.sendToDevice(scene.bob, "hello");
    scene.wire.run(100);
    expect(scene.codes).toEqual(["BLOCKED"]);
    expect(scene.alice.sent).toEqual([]);
  });

  it("that answers at an address gets nothing, not even who we are", () => {
    const scene = new Scene();
    scene.blocked.add(scene.bob.id);
    scene.alice.sendTo(scene.bob, "hello");
    scene.alice.sendTo(scene.bob, "are you there?", "request");
    scene.wire.run(100);
    expect(scene.codes).toEqual(["BLOCKED", "BLOCKED"]);
    expect(scene.alice.sent).toEqual([DatagramType.handshakeInit]);
    scene.wire.run(60_000);
    expect(scene.alice.sent).toHaveLength(1);
  });

  it("loses its session when it is blocked, and what waits for it fails", () => {
    const scene = new Scene();
    const { wire, alice, bob } = scene;
    alice.sendToDevice(bob, "before");
    wire.run(100);
    bob.up = false;
    alice.sendToDevice(bob, "waits");
    alice.sendToDevice(bob, "waits?", "request");
    wire.run(10);
    bob.up = true;
    scene.blocked.add(bob.id);
    alice.sessions.blocked(wire.nowMs, bob.id);
    expect(alice.sessions.sessionCount).toBe(0);
    bob.sendTo(alice, "hello?");
    wire.run(5_000);
    expect(scene.codes).toEqual(["BLOCKED", "BLOCKED"]);
    expect(bob.texts).toEqual(["before"]);
    expect(alice.texts).toEqual([]);
  });

  it("loses what waits for it while it is still being called", () => {
    const scene = new Scene();
    const { wire, alice, bob } = scene;
    bob.up = false;
    alice.sendToDevice(bob, "waits");
    wire.run(10);
    scene.blocked.add(bob.id);
    alice.sessions.blocked(wire.nowMs, bob.id);
    wire.run(1_000);
    const before = alice.sent.length;
    wire.run(10_000);
    expect(scene.codes).toEqual(["BLOCKED"]);
    expect(alice.sent.length).toBe(before);
  });
});

describe("a message that is only for verified devices", () => {
  it("fails before anything of it is sent, whatever the way to the peer", () => {
    const scene = new Scene();
    const { wire, alice, bob } = scene;
    const strict = { requiresVerified: true };
    alice.send({ kind: "address", to: bob.address }, "secret", strict); // by a dial
    wire.run(100);
    alice.send({ kind: "address", to: bob.address }, "secret", strict); // by a session
    alice.send({ kind: "device", id: bob.id }, "secret", strict);
    wire.run(100);
    expect(scene.codes).toEqual(["NOT_VERIFIED", "NOT_VERIFIED", "NOT_VERIFIED"]);
    expect(bob.texts).toEqual([]);
  });

  it("makes no call to a device that is not", () => {
    const scene = new Scene();
    scene.alice.send({ kind: "device", id: scene.bob.id }, "secret", { requiresVerified: true });
    scene.wire.run(100);
    expect(scene.codes).toEqual(["NOT_VERIFIED"]);
    expect(scene.alice.sent).toEqual([]);
  });

  it("arrives at one that is", () => {
    const scene = new Scene();
    const { wire, alice, bob } = scene;
    scene.verified.add(bob.id);
    alice.send({ kind: "address", to: bob.address }, "secret", { requiresVerified: true });
    wire.run(100);
    expect(bob.texts).toEqual(["secret"]);
  });

  it("does not follow when another device turns up at the address", () => {
    const scene = new Scene();
    const { wire, alice, bob } = scene;
    const carol = wire.host("carol");
    scene.verified.add(bob.id);
    alice.sendTo(bob, "hello");
    wire.run(100);
    bob.up = false;
    alice.send({ kind: "address", to: bob.address }, "secret", { requiresVerified: true });
    wire.run(10);
    carol.address = bob.address;
    wire.run(60_000);
    expect(carol.texts).toEqual([]);
    expect(scene.codes).toEqual(["NOT_VERIFIED"]);
  });
});

describe("a device that the roster does not know", () => {
  it("is tried where it was last known", () => {
    const { wire, alice, bob } = new Scene();
    alice.roster.clear();
    alice.send({ kind: "device", id: bob.id, lastKnown: bob.address }, "hello");
    alice.send({ kind: "device", id: "ab".repeat(32) }, "nobody");
    wire.run(100);
    expect(bob.texts).toEqual(["hello"]);
    expect(alice.ofKind("failed").map((event) => event.code)).toEqual(["NO_SUCH_PEER"]);
  });

  it("gets nothing if another one answers there", () => {
    const { wire, alice, bob } = new Scene();
    alice.send({ kind: "device", id: "ab".repeat(32), lastKnown: bob.address }, "hello");
    wire.run(2_000);
    expect(bob.texts).toEqual([]);
    expect(alice.ofKind("failed").map((event) => event.code)).toEqual(["NO_SUCH_PEER"]);
  });
});

describe("the key of a group that we send to ourselves", () => {
  it("is refused, once", () => {
    const { wire, alice } = new Scene();
    alice.send({ kind: "address", to: alice.address }, "key", { kind: "groupKey" });
    wire.run(1_000);
    expect(alice.ofKind("failed").map((event) => event.code)).toEqual(["INVALID_TARGET"]);
    expect(alice.texts).toEqual([]);
  });
});
