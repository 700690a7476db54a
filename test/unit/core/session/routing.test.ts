import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { SessionWire } from "../../../support/sessionWire.js";

/** Nobody answers there. */
const ELSEWHERE = { address: "10.6.6.6", port: 22400 };
/** Longer than the longest wait between repeats of the first seconds. */
const REPEAT_MS = 300;

function scene() {
  const wire = new SessionWire();
  const [alice, bob] = [wire.host("alice"), wire.host("bob")];
  const misled = { count: 0 };
  wire.tap = ({ from, to, type }) => {
    const isDial = from === alice && type === DatagramType.handshakeInit;
    if (isDial && to.address === ELSEWHERE.address) misled.count += 1;
    return true;
  };
  alice.roster.set(bob.id, ELSEWHERE);
  return { wire, alice, bob, misled };
}

describe("what waits for a device where it is not", () => {
  it("is dialled where the roster has it by now, and the wrong place no more", () => {
    const { wire, alice, bob, misled } = scene();
    alice.sendToDevice(bob, "first");
    alice.sendToDevice(bob, "second");
    wire.run(1_000);
    expect(misled.count).toBeGreaterThan(1);
    expect(bob.texts).toEqual([]);
    alice.roster.set(bob.id, bob.address);
    misled.count = 0;
    wire.run(REPEAT_MS);
    expect(bob.texts).toEqual(["first", "second"]);
    expect(misled.count).toBe(0);
    expect(alice.sessions.dialCount).toBe(0);
  });

  it("goes before what is sent after the roster was put right", () => {
    const { wire, alice, bob } = scene();
    alice.sendToDevice(bob, "first");
    wire.run(20);
    alice.roster.set(bob.id, bob.address);
    alice.sendToDevice(bob, "second");
    wire.run(10); // before a repeat is due
    expect(bob.texts).toEqual(["first", "second"]);
  });

  it("goes before what is sent after the device reached us", () => {
    const { wire, alice, bob } = scene();
    alice.sendToDevice(bob, "first");
    wire.run(20);
    bob.sendTo(alice, "hello");
    wire.run(10);
    alice.sendToDevice(bob, "second");
    wire.run(10);
    expect(bob.texts).toEqual(["first", "second"]);
  });

  it("goes along with what is sent to another last known address", () => {
    const { wire, alice, bob } = scene();
    alice.sendToDevice(bob, "first");
    alice.roster.delete(bob.id);
    alice.send({ kind: "device", id: bob.id, lastKnown: bob.address }, "second");
    wire.run(10);
    expect(bob.texts).toEqual(["first", "second"]);
  });

  it("can be cancelled after it went on, and keeps nothing dialled", () => {
    const { wire, alice, bob } = scene();
    bob.up = false;
    const token = alice.sendToDevice(bob, "first");
    wire.run(100);
    alice.roster.set(bob.id, bob.address);
    wire.run(REPEAT_MS);
    expect(alice.sessions.dialCount).toBe(1);
    alice.sessions.cancel(wire.nowMs, token);
    expect(alice.sessions.dialCount).toBe(0);
  });

  it("is left alone if it is for whoever is at the address", () => {
    const { wire, alice, bob, misled } = scene();
    alice.send({ kind: "address", to: ELSEWHERE }, "whoever is there");
    alice.sendToDevice(bob, "for bob");
    alice.roster.set(bob.id, bob.address);
    wire.run(REPEAT_MS);
    expect(bob.texts).toEqual(["for bob"]);
    misled.count = 0;
    wire.run(REPEAT_MS);
    expect(misled.count).toBeGreaterThan(0);
    expect(alice.sessions.dialCount).toBe(1);
  });

  it("follows the roster too if a session was lost meanwhile", () => {
    const { wire, alice, bob, misled } = scene();
    alice.sendTo(bob, "first");
    wire.run(50);
    bob.restart();
    bob.up = false;
    alice.sendToDevice(bob, "second");
    for (let i = 0; i < 120 && misled.count === 0; i += 1) wire.run(500);
    expect(misled.count).toBeGreaterThan(0);
    wire.run(30_000);
    alice.roster.set(bob.id, bob.address);
    wire.run(3_100);
    misled.count = 0;
    wire.run(10_000);
    expect(misled.count).toBe(0);
    bob.up = true;
    wire.run(3_100);
    expect(bob.texts).toEqual(["first", "second"]);
  });
});
