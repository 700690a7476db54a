import { describe, expect, it } from "vitest";
import { FrameType } from "../../../../src/wire/frames.js";
import { decodeHandshakeResponse, encodeHandshakeInit } from "../../../../src/wire/session.js";
import { ackOf, numbersTo, RawPeer, sealed } from "../../../support/rawPeer.js";
import { type SessionHost, SessionWire } from "../../../support/sessionWire.js";

describe("a link that was forgotten on one side only", () => {
  it("goes on above the sequences that the other side has seen", () => {
    const wire = new SessionWire();
    const alice = wire.host("alice", { limits: { sessions: 1 } });
    const [bob, carol] = [wire.host("bob"), wire.host("carol")];
    for (const text of ["one", "two", "three"]) {
      alice.sendTo(bob, text);
      wire.run(100);
      alice.sendTo(carol, text); // Bob's link gives way, and Bob keeps his
      wire.run(100);
    }
    expect(bob.texts).toEqual(["one", "two", "three"]);
    expect(carol.texts).toEqual(["one", "two", "three"]);
  });
});

describe("a young session that leads nowhere", () => {
  it("gives way to a new one, whoever began it", () => {
    for (const early of [true, false]) {
      const wire = new SessionWire();
      const [alice, bob] = [wire.host("alice"), wire.host("bob")];
      const [first, second] = early ? [alice, bob] : [bob, alice];
      first.sendTo(second, "hello");
      wire.run(100);
      // Both move at once; only the second knows where the other went, and calls it.
      alice.address = { ...alice.address, address: "10.0.0.71" };
      bob.address = { ...bob.address, address: "10.0.0.72" };
      second.roster.set(first.id, first.address);
      first.sendToDevice(second, "from first");
      second.sendToDevice(first, "from second");
      wire.run(1_500);
      expect(second.texts).toEqual(["hello", "from first"]);
      expect(first.texts).toEqual(["from second"]);
    }
  });
});

describe("a sealed packet for a half-open handshake", () => {
  it("brings the response again, not a reset: the third message was lost", () => {
    const wire = new SessionWire();
    const host = wire.host("host");
    const raw = new RawPeer(wire, host);
    raw.inject(
      encodeHandshakeInit({
        senderIndex: 7,
        suite: 0,
        cookie: new Uint8Array(0),
        message: new Uint8Array(0),
      }),
    );
    const [response = new Uint8Array(0)] = raw.datagrams;
    const { senderIndex } = decodeHandshakeResponse(response);
    const ping = new Uint8Array(32); // and padding: the answer is not to be longer than thrice that
    ping[0] = FrameType.ping;
    raw.inject(sealed(senderIndex, 0, ping));
    expect(raw.datagrams).toEqual([response, response]);
    raw.inject(sealed(senderIndex, 1, ping.subarray(0, 31)));
    expect(raw.datagrams).toHaveLength(2);
  });
});

describe("a packet in a session that gave way", () => {
  it("is a sign of life where it came from, not where the other session leads", () => {
    const wire = new SessionWire();
    const host = wire.host("host");
    const raw = new RawPeer(wire, host);
    raw.connect();
    const oldIndex = raw.remoteIndex;
    const elsewhere = { address: "10.0.0.50", port: 22400 };
    const numbers = numbersTo(wire, elsewhere);
    wire.inject(elsewhere, host, sealed(oldIndex, 0, new Uint8Array([FrameType.ping])));
    wire.run(1);
    wire.inject(elsewhere, host, sealed(oldIndex, 1, ackOf(numbers[0] ?? 0)));
    wire.run(1_000); // signs of life are told once a second
    raw.connect();
    expect(host.heardAt.at(-1)).toEqual(raw.address);
    wire.inject(elsewhere, host, sealed(oldIndex, 2, new Uint8Array([FrameType.ping])));
    wire.run(1);
    expect(host.heardAt.at(-1)).toEqual(elsewhere);
  });
});

describe("a link whose peer moved while it had no session", () => {
  it("looks where the roster finds it, for as long as a text waits", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    alice.sendTo(bob, "one");
    wire.run(100);
    bob.up = false;
    alice.sendToDevice(bob, "two");
    wire.run(120_000);
    expect(alice.context.counters.get("handshakesStarted")).toBe(2);
    bob.address = { ...bob.address, address: "10.0.0.72" };
    bob.up = true;
    alice.roster.set(bob.id, bob.address);
    wire.run(3_000);
    expect(bob.texts).toEqual(["one", "two"]);
  });

  it("falls silent when the text is given up", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    alice.sendTo(bob, "one");
    wire.run(100);
    bob.up = false;
    const token = alice.sendToDevice(bob, "two");
    wire.run(120_000);
    alice.sessions.cancel(wire.nowMs, token);
    wire.run(4_000);
    const before = alice.sent.length;
    wire.run(600_000);
    expect(alice.sent.length).toBe(before);
    expect(alice.sessions.nextWakeMs()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("handshake after handshake", () => {
  it("leaves two sessions: the newest, and the one that it replaced", () => {
    const wire = new SessionWire(0.01);
    const host = wire.host("host");
    const raw = new RawPeer(wire, host);
    const indexes = Array.from({ length: 50 }, () => {
      raw.connect();
      return raw.remoteIndex;
    });
    const resets = () => host.context.counters.get("resetsSent");
    const alive = indexes.filter((index) => {
      const before = resets();
      raw.sendInOld(index, 1, { type: FrameType.ping });
      return resets() === before;
    });
    expect(alive).toEqual(indexes.slice(-2));
  });
});

describe("a peer that restarted and speaks first", () => {
  function restarted(kind: "text" | "request"): [SessionWire, SessionHost, SessionHost, number] {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    alice.roster.set(bob.id, bob.address);
    alice.sendToDevice(bob, "hello");
    wire.run(100);
    bob.up = false;
    const token = alice.sendToDevice(bob, "one", kind);
    wire.run(10);
    bob.restart();
    bob.events = [];
    bob.up = true;
    bob.sendTo(alice, "I am back");
    wire.run(2); // its handshake is through, our packet in the old session not answered yet
    return [wire, alice, bob, token];
  }

  it("gets what waited before what is new, at once", () => {
    for (const how of ["sendTo", "sendToDevice"] as const) {
      const [wire, alice, bob] = restarted("text");
      alice[how](bob, "two");
      wire.run(50);
      expect(bob.texts).toEqual(["one", "two"]);
      expect(alice.texts).toEqual(["I am back"]);
    }
  });

  it("is known at once to have lost a request that it may have executed", () => {
    const [wire, alice, bob, token] = restarted("request");
    wire.run(50);
    expect(alice.ofKind("failed")).toMatchObject([{ token, code: "PEER_RESTARTED" }]);
    expect(bob.ofKind("request")).toEqual([]);
  });

  it("is asked at once whether it still knows a request that it acknowledged", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    const token = alice.sendTo(bob, "really?", "request");
    wire.run(100);
    bob.restart();
    bob.sendTo(alice, "I am back");
    wire.run(50);
    expect(alice.ofKind("failed")).toMatchObject([{ token, code: "PEER_RESTARTED" }]);
  });

  it("gets what waited although it is elsewhere and nobody is where it was", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    alice.sendTo(bob, "hello");
    wire.run(100);
    bob.up = false;
    alice.sendToDevice(bob, "one");
    wire.run(10);
    bob.restart();
    bob.address = { ...bob.address, address: "10.0.0.77" };
    bob.up = true;
    bob.sendTo(alice, "I am back");
    wire.run(10);
    alice.sendToDevice(bob, "two");
    wire.run(2_000);
    expect(bob.texts).toEqual(["hello", "one", "two"]);
  });
});
