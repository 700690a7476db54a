import { describe, expect, it } from "vitest";
import { CloseReason } from "../../../../src/core/session/session.js";
import { DatagramType } from "../../../../src/wire/constants.js";
import { encodeUtf8 } from "../../../../src/wire/cursor.js";
import { FrameType, Lane } from "../../../../src/wire/frames.js";
import { ReplyStatus } from "../../../../src/wire/record.js";
import { messageFrame, RawPeer } from "../../../support/rawPeer.js";
import { SessionWire } from "../../../support/sessionWire.js";

describe("a link that gives way to another device", () => {
  it("takes both its sessions along: a late packet of the older is nobody's, and not lost", () => {
    const wire = new SessionWire();
    const host = wire.host("host", { limits: { sessions: 1 } });
    const raw = new RawPeer(wire, host);
    raw.connect();
    const oldIndex = raw.remoteIndex;
    raw.send(messageFrame(1));
    raw.connect(); // the former session lingers for what is still under way in it
    const carol = wire.host("carol");
    carol.sendTo(host, "hello");
    wire.run(10);
    raw.sendInOld(oldIndex, 1, messageFrame(2));
    raw.connect();
    raw.send(messageFrame(2)); // for it was not acknowledged
    expect(host.texts).toEqual(["text 1", "hello", "text 2"]);
    expect(host.sentOfType("reset")).toBe(1);
  });

  it("may have lost its session before, and is not asked for one again", () => {
    const wire = new SessionWire();
    const host = wire.host("host", { limits: { sessions: 1 } });
    const raw = new RawPeer(wire, host);
    raw.connect();
    raw.send(messageFrame(1));
    raw.send({ type: FrameType.close, reason: CloseReason.leaving });
    expect(host.sessions.sessionCount).toBe(0);
    const carol = wire.host("carol");
    carol.sendTo(host, "hello");
    wire.run(10);
    expect(host.texts).toEqual(["text 1", "hello"]);
    raw.connect(); // and it is remembered what it said
    raw.send(messageFrame(1));
    expect(host.texts).toEqual(["text 1", "hello"]);
  });

  it("is one without a session rather than one that was heard of later", () => {
    const wire = new SessionWire();
    const host = wire.host("host", { limits: { sessions: 2 } });
    const talking = new RawPeer(wire, host, "talking", 98);
    const gone = new RawPeer(wire, host, "gone", 99);
    for (const raw of [talking, gone]) {
      raw.connect();
      raw.send(messageFrame(1));
    }
    gone.send({ type: FrameType.close, reason: CloseReason.leaving });
    wire.host("carol").sendTo(host, "hello");
    wire.run(10);
    talking.send(messageFrame(2));
    expect(host.texts).toEqual(["text 1", "text 1", "hello", "text 2"]);
    expect(host.sentOfType("reset")).toBe(0);
  });

  it("is the one that is silent for longest, whoever was heard before that", () => {
    const wire = new SessionWire();
    const host = wire.host("host", { limits: { sessions: 2 } });
    const [first, second] = [98, 99].map((index) => new RawPeer(wire, host, `${index}`, index));
    if (first === undefined || second === undefined) throw new Error("no peers");
    for (const raw of [first, second]) {
      raw.connect();
      raw.send(messageFrame(1));
    }
    first.send(messageFrame(2));
    second.send(messageFrame(2));
    first.send(messageFrame(3));
    wire.host("carol").sendTo(host, "hello");
    wire.run(10);
    first.send(messageFrame(4));
    expect(host.texts.at(-1)).toBe("text 4");
    expect(host.sentOfType("reset")).toBe(0);
  });

  it("is never one that a text of ours waits for: the newcomer is refused, on either side", () => {
    const wire = new SessionWire();
    const alice = wire.host("alice", { limits: { sessions: 1 } });
    const [bob, carol] = [wire.host("bob"), wire.host("carol")];
    alice.sendTo(bob, "one");
    wire.run(100);
    bob.up = false;
    alice.sendToDevice(bob, "two");
    wire.run(100);
    carol.sendTo(alice, "is anybody there?");
    wire.run(1_000);
    expect(alice.texts).toEqual([]);
    expect(alice.context.counters.get("handshakesRefused")).toBeGreaterThan(0);
    const token = alice.sendTo(carol, "three");
    wire.run(1_000);
    expect(alice.ofKind("failed")).toMatchObject([{ token, code: "LIMIT_REACHED" }]);
    bob.up = true;
    wire.run(5_000);
    expect(bob.texts).toEqual(["one", "two"]);
  });
});

describe("a device that comes with ever new starts", () => {
  it("crowds out itself alone, the start that it said least with first", () => {
    const wire = new SessionWire();
    const host = wire.host("host");
    const bob = wire.host("bob");
    bob.sendTo(host, "hello");
    wire.run(100);
    const starts = Array.from({ length: 17 }, (_, i) => new RawPeer(wire, host, "raw", 50 + i));
    for (const [i, raw] of starts.entries()) {
      raw.connect({ incarnation: (i + 1).toString(16).padStart(16, "0") });
      if (i === 0) raw.send(messageFrame(1));
    }
    expect(host.sessions.sessionCount).toBe(1 + 16);
    for (const raw of starts) raw.send({ type: FrameType.ping });
    const isGone = (raw: RawPeer): boolean =>
      raw.datagrams.some((bytes) => bytes[2] === DatagramType.reset);
    expect(starts.map((raw) => isGone(raw)).indexOf(true)).toBe(1);
    expect(host.sentOfType("reset")).toBe(1);
    bob.sendTo(host, "still here");
    wire.run(100);
    expect(host.texts).toEqual(["hello", "text 1", "still here"]);
  });
});

describe("a link that nobody used for ten minutes", () => {
  it("is forgotten, and its sessions with it", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    alice.sendTo(bob, "one");
    wire.run(599_000);
    expect([alice.sessions.sessionCount, bob.sessions.sessionCount]).toEqual([1, 1]);
    wire.run(700_000);
    expect([alice.sessions.sessionCount, bob.sessions.sessionCount]).toEqual([0, 0]);
    alice.sendTo(bob, "two");
    wire.run(100);
    expect(bob.texts).toEqual(["one", "two"]);
  });
});

describe("an answer to a request", () => {
  it("goes nowhere when its peer is forgotten, and is no error", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    alice.sendTo(bob, "really?", "request");
    wire.run(100);
    const [request] = bob.ofKind("request");
    if (request === undefined) return expect.unreachable();
    alice.up = false;
    bob.sessions.blocked(wire.nowMs, alice.id);
    wire.run(100);
    const sent = bob.sent.length;
    const reply = { key: request.key, status: ReplyStatus.ok, body: encodeUtf8("yes") };
    bob.sessions.reply(wire.nowMs, { ...reply, sentAtMs: 0, messageSequence: 1 });
    wire.run(100);
    expect(bob.sent.length).toBe(sent);
    return undefined;
  });
});

describe("a session that gave way to another", () => {
  it("can be closed, and the other goes on", () => {
    const wire = new SessionWire();
    const host = wire.host("host");
    const raw = new RawPeer(wire, host);
    raw.connect();
    const oldIndex = raw.remoteIndex;
    raw.connect();
    raw.sendInOld(oldIndex, 0, { type: FrameType.close, reason: CloseReason.leaving });
    expect(host.sessions.sessionCount).toBe(1);
    raw.send(messageFrame(1));
    expect(host.texts).toEqual(["text 1"]);
    expect(host.sentOfType("handshakeInit")).toBe(0);
  });
});

describe("somebody who claims to be this very node", () => {
  it("gets no session", () => {
    const wire = new SessionWire();
    const host = wire.host("host");
    const raw = new RawPeer(wire, host, "host");
    raw.connect({ incarnation: host.context.incarnation });
    raw.send(messageFrame(1, { lane: Lane.ordered }));
    expect(host.sessions.sessionCount).toBe(0);
    expect(host.texts).toEqual([]);
    expect(host.heardAt).toEqual([]);
  });
});
