import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { encodeUtf8 } from "../../../../src/wire/cursor.js";
import { FrameType, Lane } from "../../../../src/wire/frames.js";
import { ReplyStatus } from "../../../../src/wire/record.js";
import { ackUpTo, RawPeer } from "../../../support/rawPeer.js";
import { type SessionHost, SessionWire } from "../../../support/sessionWire.js";

function scene(): { wire: SessionWire; host: SessionHost; raw: RawPeer } {
  const wire = new SessionWire();
  const host = wire.host("host");
  const raw = new RawPeer(wire, host);
  raw.connect();
  return { wire, host, raw };
}

describe("a peer that may have restarted", () => {
  it("is pinged once, however often the roster says so in a turn", () => {
    const { wire, host, raw } = scene();
    host.sessions.restarted(wire.nowMs, raw.device);
    host.sessions.restarted(wire.nowMs, raw.device);
    wire.run(1);
    expect(raw.framesOf(FrameType.ping)).toHaveLength(1);
  });
});

describe("that a text was given up", () => {
  it("is told again while it is not acknowledged, and not after that", () => {
    const { wire, host, raw } = scene();
    const token = host.send({ kind: "device", id: raw.device }, "one");
    wire.run(1);
    host.sessions.cancel(wire.nowMs, token);
    wire.run(1);
    expect(raw.framesOf(FrameType.advance)).toMatchObject([{ lane: Lane.ordered, base: 2 }]);
    wire.run(1_000);
    expect(raw.framesOf(FrameType.advance).length).toBeGreaterThan(1);
    raw.send(ackUpTo(raw.opened.at(-1)?.counter ?? 0));
    const told = raw.framesOf(FrameType.advance).length;
    wire.run(10_000);
    expect(raw.framesOf(FrameType.advance)).toHaveLength(told);
  });
});

describe("the reply to a request that was given up", () => {
  it("is not told", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    const [given, kept] = ["one", "two"].map((text) => alice.sendTo(bob, text, "request"));
    wire.run(100);
    alice.sessions.cancel(wire.nowMs, given ?? 0);
    for (const { key } of bob.ofKind("request")) {
      const reply = { key, status: ReplyStatus.ok, body: encodeUtf8("yes") };
      bob.sessions.reply(wire.nowMs, { ...reply, sentAtMs: 0, messageSequence: 9 });
    }
    wire.run(100);
    expect(alice.ofKind("reply").map(({ token }) => token)).toEqual([kept]);
    expect(alice.context.counters.get("datagramsMalformed")).toBe(0);
  });
});

describe("a packet that asks for an acknowledgement", () => {
  it("gets it at once, whatever else is in it", () => {
    const { raw } = scene();
    const ping = { type: FrameType.ping } as const;
    const advance = { type: FrameType.advance, lane: Lane.ordered, base: 2 } as const;
    expect(raw.wasAcknowledged(raw.send(ping, advance))).toBe(true);
    expect(raw.wasAcknowledged(raw.send({ ...advance, base: 3 }))).toBe(false);
  });
});

describe("a session whose keys may not be used any more", () => {
  it("ends without another word, also when nothing that happens shows it", () => {
    const wire = new SessionWire();
    const host = wire.host("host", { limits: { rekeyAfterMs: 60_000 } });
    const bob = wire.host("bob");
    host.sendTo(bob, "really?", "request"); // a reply is awaited all the time
    wire.run(100);
    wire.tap = ({ type }) => type === DatagramType.sealed; // and no new session can be had
    wire.run(125_000);
    expect(host.sessions.sessionCount).toBe(0);
    expect(host.sessions.dialCount).toBe(1);
    expect(host.sentOfType("handshakeInit")).toBeGreaterThan(10);
    wire.tap = () => true;
    wire.run(5_000);
    expect(host.sessions.sessionCount).toBe(1);
    expect(bob.ofKind("request")).toHaveLength(1);
  });
});

describe("leaving twice", () => {
  it("is leaving once", () => {
    const { wire, host, raw } = scene();
    host.sessions.closeAll(wire.nowMs);
    host.sessions.closeAll(wire.nowMs);
    wire.run(5_000);
    expect(raw.framesOf(FrameType.close)).toHaveLength(1);
    expect(host.sessions.nextWakeMs()).toBe(Number.POSITIVE_INFINITY);
  });
});
