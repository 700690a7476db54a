import { describe, expect, it } from "vitest";
import { TRUST_NOTHING } from "../../../../src/core/context.js";
import { encodeUtf8 } from "../../../../src/wire/cursor.js";
import { ReplyStatus } from "../../../../src/wire/record.js";
import { SessionWire } from "../../../support/sessionWire.js";

/** Nobody answers there. */
const nowhere = (lastByte: number) => ({ address: `10.6.6.${lastByte}`, port: 22400 });

describe("what is to go where nobody answers", () => {
  it("is refused when too many places are called already, and later when one is given up", () => {
    const wire = new SessionWire();
    const alice = wire.host("alice", { limits: { sessions: 2 } });
    const [first = 0] = [1, 2].map((n) => alice.send({ kind: "address", to: nowhere(n) }, "hi"));
    const third = alice.send({ kind: "address", to: nowhere(3) }, "hi");
    wire.run(100);
    expect(alice.ofKind("failed")).toMatchObject([{ token: third, code: "LIMIT_REACHED" }]);
    alice.sessions.cancel(wire.nowMs, first);
    alice.send({ kind: "address", to: nowhere(3) }, "hi");
    wire.run(100);
    expect(alice.ofKind("failed")).toHaveLength(1);
    expect(alice.sessions.dialCount).toBe(2);
  });

  it("is refused when too much waits there, and the rest arrives in order", () => {
    const wire = new SessionWire();
    const alice = wire.host("alice", { limits: { queuedMessagesPerPeer: 2 } });
    const bob = wire.host("bob");
    bob.up = false;
    const [, , third] = ["one", "two", "three"].map((text) => alice.sendTo(bob, text));
    wire.run(100);
    expect(alice.ofKind("failed")).toMatchObject([{ token: third, code: "LIMIT_REACHED" }]);
    bob.up = true;
    wire.run(1_000);
    expect(bob.texts).toEqual(["one", "two"]);
  });

  it.each([{ queuedMessagesPerPeer: 2 }, { queuedBytesPerPeer: 60 }])(
    "is refused when too much waits for a peer that was reached before (%o)",
    (limits) => {
      const wire = new SessionWire();
      const alice = wire.host("alice", { limits });
      const bob = wire.host("bob");
      alice.sendTo(bob, "zero");
      wire.run(100);
      bob.up = false;
      const [, , third] = ["one", "two", "three"].map((text) => alice.sendTo(bob, text));
      wire.run(100);
      expect(alice.ofKind("failed")).toMatchObject([{ token: third, code: "LIMIT_REACHED" }]);
      bob.up = true;
      wire.run(5_000);
      expect(bob.texts).toEqual(["zero", "one", "two"]);
    },
  );

  it("is called for until the last of it is given up", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    bob.up = false;
    const first = alice.sendTo(bob, "one");
    alice.sendTo(bob, "two");
    wire.run(100);
    alice.sessions.cancel(wire.nowMs, first);
    bob.up = true;
    wire.run(1_000);
    expect(bob.texts).toEqual(["two"]);
  });

  it("stays when another device is blocked that is called as well, or at the same place", () => {
    const wire = new SessionWire();
    const [alice, bob, carol] = [wire.host("alice"), wire.host("bob"), wire.host("carol")];
    for (const host of [bob, carol]) {
      host.up = false;
      alice.roster.set(host.id, host.address);
      alice.sendToDevice(host, "hello");
    }
    alice.sendTo(carol, "whoever you are");
    alice.sessions.blocked(wire.nowMs, carol.id);
    expect(alice.context.outputs.drain().events).toMatchObject([{ code: "BLOCKED" }]);
    bob.up = true;
    carol.up = true;
    wire.run(1_000);
    expect(bob.texts).toEqual(["hello"]);
    expect(carol.texts).toEqual(["whoever you are"]);
  });

  it("fails if its device lost the user's trust before it was found elsewhere", () => {
    const verified = new Set<string>();
    const trust = { ...TRUST_NOTHING, isVerified: (id: string) => verified.has(id) };
    const wire = new SessionWire();
    const alice = wire.host("alice", { trust });
    const bob = wire.host("bob");
    verified.add(bob.id);
    alice.roster.set(bob.id, nowhere(1));
    const target = { kind: "device", id: bob.id } as const;
    const token = alice.send(target, "secret", { requiresVerified: true });
    wire.run(100);
    verified.clear();
    alice.roster.set(bob.id, bob.address);
    wire.run(1_000);
    expect(alice.ofKind("failed")).toMatchObject([{ token, code: "NOT_VERIFIED" }]);
    expect(bob.sent).toEqual([]); // for it was not even called
    expect(alice.sessions.dialCount).toBe(0);
  });
});

describe("a text for a device", () => {
  it("goes where the roster has it, not to a process of it that only passed by elsewhere", () => {
    const wire = new SessionWire();
    const alice = wire.host("alice");
    const daemon = wire.host("bob", { seed: 1 });
    const oneShot = wire.host("bob", { seed: 2, announces: false });
    oneShot.sendTo(alice, "quick question");
    wire.run(100);
    alice.sendToDevice(daemon, "to whom we know");
    wire.run(100);
    expect(oneShot.texts).toEqual(["to whom we know"]);
    alice.roster.set(daemon.id, daemon.address);
    alice.sendToDevice(daemon, "to whom is announced");
    wire.run(100);
    expect(oneShot.texts).toHaveLength(1);
    expect(daemon.texts).toEqual(["to whom is announced"]);
  });

  it("fails if its last known address is our own by now", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    const lastKnown = alice.address;
    const token = alice.send({ kind: "device", id: bob.id, lastKnown }, "for bob alone");
    wire.run(10_000);
    expect(alice.ofKind("failed")).toMatchObject([{ token, code: "NO_SUCH_PEER" }]);
    expect(alice.texts).toEqual([]);
  });
});

describe("requests to oneself", () => {
  it("are refused as busy when too many run, and given up one by one", () => {
    const wire = new SessionWire();
    const alice = wire.host("alice", { limits: { repliesPerPeer: 2 } });
    const tokens = ["a", "b", "c"].map((text) => alice.sendTo(alice, text, "request"));
    wire.run(100);
    const [, second, third] = tokens;
    expect(alice.ofKind("reply")).toMatchObject([{ token: third, status: ReplyStatus.busy }]);
    alice.sessions.cancel(wire.nowMs, second ?? 0);
    const requests = alice.ofKind("request");
    expect(requests).toHaveLength(2);
    for (const { key } of requests) {
      const reply = { key, status: ReplyStatus.ok, body: encodeUtf8("yes") };
      alice.sessions.reply(wire.nowMs, { ...reply, sentAtMs: 0, messageSequence: 9 });
    }
    wire.run(100);
    expect(alice.ofKind("reply").map(({ token }) => token)).toEqual([third, tokens[0]]);
  });
});
