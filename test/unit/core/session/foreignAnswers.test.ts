import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { type SessionHost, SessionWire } from "../../../support/sessionWire.js";

/** Alice calls Bob; Mallory sees what she sends and is faster. */
class Scene {
  readonly wire = new SessionWire();
  readonly alice: SessionHost = this.wire.host("alice");
  readonly bob: SessionHost = this.wire.host("bob");
  readonly mallory: SessionHost = this.wire.host("mallory");
  /** First messages that Mallory answered. */
  overheard = 0;

  constructor() {
    this.alice.roster.set(this.bob.id, this.bob.address);
    this.wire.tap = ({ from, to, bytes, type }) => {
      if (from === this.alice && type === DatagramType.handshakeInit) {
        this.overheard += 1;
        this.mallory.receive(this.wire.nowMs, bytes, this.alice.address);
      }
      if (from !== this.mallory || type !== DatagramType.handshakeResponse) return true;
      // At once, and in Bob's name.
      if (to.address === this.alice.address.address) {
        this.alice.receive(this.wire.nowMs, bytes, this.bob.address);
      }
      return false;
    };
  }

  get failures(): string[] {
    return this.alice.ofKind("failed").map((event) => event.code);
  }
}

describe("another device that answers our first message", () => {
  it("does not keep a text from the device that it is meant for", () => {
    const scene = new Scene();
    const { wire, alice, bob, mallory } = scene;
    alice.sendToDevice(bob, "for bob alone");
    wire.run(50);
    expect(scene.overheard).toBeGreaterThan(0);
    expect(scene.failures).toEqual([]);
    expect(bob.texts).toEqual(["for bob alone"]);
    expect(mallory.texts).toEqual([]);
    expect(alice.ofKind("delivered")).toHaveLength(1);
    expect(alice.context.counters.get("handshakesRefused")).toBeGreaterThan(0);
  });

  it("does not come to what waits for a device whose session was lost", () => {
    const scene = new Scene();
    const { wire, alice, bob } = scene;
    alice.sendToDevice(bob, "first");
    wire.run(50);
    bob.up = false;
    alice.sendToDevice(bob, "second");
    scene.overheard = 0;
    // The session dies, and Bob is called again.
    for (let i = 0; i < 120 && scene.overheard === 0; i += 1) wire.run(500);
    expect(scene.overheard).toBeGreaterThan(0);
    bob.up = true;
    wire.run(500);
    expect(scene.failures).toEqual([]);
    expect(bob.texts).toEqual(["first", "second"]);
  });

  it("is believed after a second and a half: the address may be its own now", () => {
    const scene = new Scene();
    const { wire, alice, bob } = scene;
    bob.up = false;
    alice.sendToDevice(bob, "for bob alone");
    wire.run(1_400);
    expect(scene.failures).toEqual([]);
    wire.run(600);
    expect(scene.failures).toEqual(["NO_SUCH_PEER"]);
  });

  it("gets what is for whoever is there, at once", () => {
    const { wire, alice, mallory } = new Scene();
    wire.tap = () => true;
    alice.sendTo(mallory, "whoever is there");
    wire.run(20);
    expect(mallory.texts).toEqual(["whoever is there"]);
  });

  it("does not end our call by calling us from the same address", () => {
    const { wire, alice, bob, mallory } = new Scene();
    wire.tap = () => true;
    bob.up = false;
    alice.sendToDevice(bob, "for bob alone");
    wire.run(5);
    mallory.address = { ...bob.address };
    mallory.sendTo(alice, "I am here");
    // The answer of the one that it takes for Bob comes to nothing, either.
    wire.run(300);
    expect(alice.texts).toEqual(["I am here"]);
    expect(alice.ofKind("failed")).toEqual([]);
    mallory.up = false;
    bob.up = true;
    wire.run(500);
    expect(bob.texts).toEqual(["for bob alone"]);
  });
});
