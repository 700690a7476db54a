import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { encodeUtf8 } from "../../../../src/wire/cursor.js";
import { ReplyStatus } from "../../../../src/wire/record.js";
import { SeededRandom } from "../../../support/seededRandom.js";
import { type SessionHost, SessionWire } from "../../../support/sessionWire.js";

function pair(): { wire: SessionWire; alice: SessionHost; bob: SessionHost } {
  const wire = new SessionWire();
  return { wire, alice: wire.host("alice"), bob: wire.host("bob") };
}

function answer(host: SessionHost, wire: SessionWire, body = "yes"): void {
  for (const request of host.ofKind("request")) {
    host.sessions.reply(wire.nowMs, {
      key: request.key,
      status: ReplyStatus.ok,
      body: encodeUtf8(body),
      sentAtMs: 0,
      messageSequence: 1,
    });
  }
}

describe("a message to an address", () => {
  it("arrives once and is told as delivered", () => {
    const { wire, alice, bob } = pair();
    const token = alice.sendTo(bob, "hello");
    wire.run(100);
    expect(bob.texts).toEqual(["hello"]);
    const delivered = alice.ofKind("delivered");
    expect(delivered).toHaveLength(1);
    expect(delivered[0]).toMatchObject({ token, attempts: 1, to: { id: bob.id, name: "bob" } });
    // handshake 3 x 0.5 ms, then 0.5 ms there and 0.5 ms back
    expect(delivered[0]?.rttMs).toBeCloseTo(2, 5);
  });

  it("takes one handshake for many messages, and few datagrams", () => {
    const { wire, alice, bob } = pair();
    for (let i = 0; i < 100; i += 1) alice.sendTo(bob, `line ${i}`);
    wire.run(200);
    expect(bob.texts).toEqual(Array.from({ length: 100 }, (_, i) => `line ${i}`));
    expect(alice.sentOfType("handshakeInit")).toBe(1);
    expect(alice.sentOfType("sealed")).toBeLessThan(8);
  });

  it("goes quiet afterwards", () => {
    const { wire, alice, bob } = pair();
    alice.sendTo(bob, "hello");
    wire.run(300_000);
    const before = alice.sent.length + bob.sent.length;
    wire.run(200_000);
    expect(alice.sent.length + bob.sent.length).toBe(before);
  });

  it("is delivered in order at 30 % loss both ways", () => {
    const { wire, alice, bob } = pair();
    const random = new SeededRandom(7);
    wire.tap = () => random.uniform() >= 0.3;
    const texts = Array.from({ length: 500 }, (_, i) => `line ${i}`);
    for (const text of texts) alice.sendTo(bob, text);
    wire.run(30_000);
    expect(bob.texts).toEqual(texts);
    expect(alice.ofKind("delivered")).toHaveLength(500);
  });

  it("arrives one at a time at 30 % loss both ways, within 10 s each", () => {
    const { wire, alice, bob } = pair();
    const random = new SeededRandom(8);
    wire.tap = () => random.uniform() >= 0.3;
    for (let i = 0; i < 200; i += 1) {
      alice.sendTo(bob, `line ${i}`);
      wire.run(10_000);
      expect(alice.ofKind("delivered")).toHaveLength(i + 1);
    }
    expect(bob.texts).toHaveLength(200);
  });

  it("of 64 KiB arrives intact at 20 % loss", () => {
    const { wire, alice, bob } = pair();
    const random = new SeededRandom(9);
    wire.tap = () => random.uniform() >= 0.2;
    const text = Array.from({ length: 65_536 }, (_, i) => String.fromCharCode(32 + (i % 90))).join(
      "",
    );
    alice.sendTo(bob, text);
    wire.run(20_000);
    expect(bob.texts).toEqual([text]);
  });

  it("short ones do not wait behind a long one's slices at the sender", () => {
    const { wire, alice, bob } = pair();
    alice.sendTo(bob, "open");
    wire.run(50);
    alice.sendTo(bob, "x".repeat(60_000));
    const token = alice.sendTo(bob, "short question", "request");
    wire.run(1);
    expect(bob.ofKind("request")).toHaveLength(1);
    expect(alice.ofKind("delivered").map((event) => event.token)).not.toContain(token - 1);
  });

  it("to nobody keeps trying until it is cancelled, then falls silent", () => {
    const { wire, alice, bob } = pair();
    bob.up = false;
    const token = alice.sendTo(bob, "hello");
    wire.run(5_000);
    expect(alice.sentOfType("handshakeInit")).toBeGreaterThan(10);
    alice.sessions.cancel(wire.nowMs, token);
    const before = alice.sent.length;
    wire.run(60_000);
    expect(alice.sent.length).toBe(before);
    expect(alice.events).toEqual([]);
  });
});

describe("a cancelled message", () => {
  it("does not hold up the ones behind it", () => {
    const { wire, alice, bob } = pair();
    alice.sendTo(bob, "one");
    wire.run(50);
    wire.tap = ({ from }) => from !== alice;
    const lost = alice.sendTo(bob, "two");
    wire.run(10);
    alice.sessions.cancel(wire.nowMs, lost);
    wire.tap = () => true;
    alice.sendTo(bob, "three");
    wire.run(1_000);
    expect(bob.texts.filter((text) => text !== "two")).toEqual(["one", "three"]);
    expect(alice.ofKind("delivered").map((event) => event.token)).not.toContain(lost);
  });

  it("is skipped even when nothing follows", () => {
    const { wire, alice, bob } = pair();
    alice.sendTo(bob, "one");
    wire.run(50);
    // Only the third packet gets through, and its text is held back for the two before it.
    let packets = 0;
    wire.tap = ({ from }) => {
      if (from !== alice) return true;
      packets += 1;
      return packets === 3;
    };
    const tokens = ["two", "three"].map((text) => {
      const token = alice.sendTo(bob, text);
      wire.run(1);
      return token;
    });
    alice.sendTo(bob, "four");
    wire.run(1);
    expect(bob.texts).toEqual(["one"]);
    for (const token of tokens) alice.sessions.cancel(wire.nowMs, token);
    wire.tap = () => true;
    wire.run(2_000);
    expect(bob.texts).toEqual(["one", "four"]);
  });
});

describe("a cancelled message behind one that is under way", () => {
  it("does not hold up the ones behind it", () => {
    const { wire, alice, bob } = pair();
    alice.sendTo(bob, "hello");
    wire.run(100);
    let cut = true;
    wire.tap = ({ from, bytes }) => {
      const isEarly = ["first", "second"].some((text) => Buffer.from(bytes).includes(text));
      return !(cut && from === alice && isEarly);
    };
    const [, second, third] = ["first", "second", "third"].map((text) => {
      const token = alice.sendTo(bob, text);
      wire.run(0.01); // a packet of its own
      return token;
    });
    wire.run(5);
    alice.sessions.cancel(wire.nowMs, second ?? 0);
    wire.run(20);
    cut = false;
    wire.run(5_000);
    expect(bob.texts).toEqual(["hello", "first", "third"]);
    expect(alice.ofKind("delivered").map((event) => event.token)).toContain(third);
  });
});

describe("a request", () => {
  it("is executed once and answered, and the reply carries the acknowledgement", () => {
    const { wire, alice, bob } = pair();
    alice.sendTo(bob, "open");
    wire.run(50);
    const before = bob.sentOfType("sealed");
    const token = alice.sendTo(bob, "really?", "request");
    wire.run(1);
    answer(bob, wire);
    wire.run(100);
    expect(alice.ofKind("reply")).toMatchObject([{ token, status: ReplyStatus.ok }]);
    expect(alice.ofKind("delivered").filter((event) => event.token === token)).toHaveLength(1);
    expect(bob.sentOfType("sealed") - before).toBe(1);
  });

  it("is executed exactly once at 30 % loss, whatever is repeated", () => {
    const { wire, alice, bob } = pair();
    const random = new SeededRandom(10);
    wire.tap = () => random.uniform() >= 0.3;
    for (let i = 0; i < 100; i += 1) {
      alice.sendTo(bob, `q${i}`, "request");
      const known = bob.ofKind("request").length;
      for (let step = 0; step < 50; step += 1) {
        wire.run(200);
        if (bob.ofKind("request").length > known) answer(bob, wire);
        if (alice.ofKind("reply").length > i) break;
      }
    }
    const executed = bob.ofKind("request").map((event) => Buffer.from(event.body).toString());
    expect(executed).toEqual(Array.from({ length: 100 }, (_, i) => `q${i}`));
    expect(alice.ofKind("reply")).toHaveLength(100);
  });

  it("whose reply was lost with the session is asked again and not executed again", () => {
    const { wire, alice, bob } = pair();
    alice.sendTo(bob, "really?", "request");
    wire.run(60);
    expect(bob.ofKind("request")).toHaveLength(1);
    // The link is cut while the answer is given; both sides lose their sessions meanwhile.
    wire.tap = () => false;
    answer(bob, wire);
    wire.run(40_000);
    wire.tap = () => true;
    wire.run(10_000);
    expect(alice.ofKind("reply")).toHaveLength(1);
    expect(bob.ofKind("request")).toHaveLength(1);
  });

  it("to a peer that restarted in between fails as PEER_RESTARTED", () => {
    const { wire, alice, bob } = pair();
    const token = alice.sendTo(bob, "really?", "request");
    wire.run(60);
    bob.restart();
    bob.events = [];
    wire.run(10_000);
    expect(alice.ofKind("failed")).toMatchObject([{ token, code: "PEER_RESTARTED" }]);
    expect(bob.ofKind("request")).toHaveLength(0);
  });
});

describe("sessions", () => {
  it("a peer that restarted is noticed at once", () => {
    const { wire, alice, bob } = pair();
    alice.sendTo(bob, "before");
    wire.run(100);
    bob.restart();
    alice.sendTo(bob, "after");
    wire.run(20);
    expect(bob.texts).toEqual(["before", "after"]);
    expect(alice.ofKind("delivered")).toHaveLength(2);
  });

  it("simultaneous openings settle, and everything arrives once", () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const wire = new SessionWire();
      const alice = wire.host("alice", { seed });
      const bob = wire.host("bob", { seed: seed + 100 });
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
      const before = alice.sent.length + bob.sent.length;
      wire.run(5_000);
      expect(alice.sent.length + bob.sent.length - before, `seed ${seed}`).toBeLessThan(4);
    }
  });

  it("a peer that changes its address in mid-session is followed", () => {
    const { wire, alice, bob } = pair();
    alice.sendTo(bob, "one");
    wire.run(100);
    bob.address = { address: "10.0.0.77", port: 22400 };
    bob.sendToDevice(alice, "moved");
    wire.run(200);
    alice.sendToDevice(bob, "two");
    wire.run(200);
    expect(bob.texts).toEqual(["one", "two"]);
    expect(alice.sentOfType("handshakeInit")).toBe(1);
  });

  it("a peer that moved silently is found where the roster says", () => {
    const { wire, alice, bob } = pair();
    alice.sendTo(bob, "one");
    wire.run(100);
    bob.address = { address: "10.0.0.77", port: 22400 };
    alice.roster.set(bob.id, bob.address);
    alice.sendToDevice(bob, "two");
    wire.run(2_000);
    expect(bob.texts).toEqual(["one", "two"]);
  });

  it("a forgotten peer's lane numbers are not used again", () => {
    const { wire, alice, bob } = pair();
    alice.sendTo(bob, "one");
    wire.run(100);
    wire.run(590_000);
    bob.sendTo(alice, "still here");
    // Alice forgets first or Bob does: either way the next message must arrive.
    wire.run(700_000);
    alice.sendTo(bob, "two");
    wire.run(1_000);
    expect(bob.texts).toEqual(["one", "two"]);
  });

  it("evicts the idlest when there are too many, and loses nothing", () => {
    const wire = new SessionWire();
    const hub = wire.host("hub", { limits: { sessions: 4 } });
    const others = Array.from({ length: 10 }, (_, i) => wire.host(`peer ${i}`, { seed: 50 + i }));
    for (const other of others) {
      other.sendTo(hub, `from ${other.name}`);
      wire.run(50);
    }
    for (const other of others) {
      other.sendTo(hub, `again from ${other.name}`);
      wire.run(500);
    }
    expect(hub.texts).toHaveLength(20);
    expect(new Set(hub.texts).size).toBe(20);
  });

  it("a reset that no packet of ours caused changes nothing", () => {
    const { wire, alice, bob } = pair();
    alice.sendTo(bob, "one");
    wire.run(100);
    for (let index = 0; index < 100; index += 1) {
      const reset = new Uint8Array([
        0xf9,
        1,
        DatagramType.reset,
        0,
        0,
        0,
        0,
        index,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
      ]);
      wire.inject(bob.address, alice, reset);
    }
    wire.run(100);
    alice.sendTo(bob, "two");
    wire.run(100);
    expect(alice.sentOfType("handshakeInit")).toBe(1);
    expect(bob.texts).toEqual(["one", "two"]);
  });
});

describe("leaving", () => {
  /** Bob has a request of Alice's. */
  function asked(): { wire: SessionWire; alice: SessionHost; bob: SessionHost; token: number } {
    const { wire, alice, bob } = pair();
    const token = alice.sendTo(bob, "really?", "request");
    wire.run(60);
    return { wire, alice, bob, token };
  }

  it("sends the replies of the same turn, and is over when they are acknowledged", () => {
    const { wire, alice, bob } = asked();
    answer(bob, wire, "y".repeat(30_000));
    bob.sessions.closeAll(wire.nowMs);
    expect(bob.sessions.nextWakeMs()).toBeLessThan(Number.POSITIVE_INFINITY);
    wire.run(200);
    expect(alice.ofKind("reply")).toMatchObject([{ status: ReplyStatus.ok }]);
    expect(bob.sessions.nextWakeMs()).toBe(Number.POSITIVE_INFINITY);
    const before = alice.sent.length;
    wire.run(300_000); // Alice was told: she keeps nothing up
    expect(alice.sent.length).toBe(before);
  });

  it("refuses the requests that still run, and pays the last acknowledgement", () => {
    const { wire, alice, bob, token } = asked();
    bob.sessions.closeAll(wire.nowMs);
    wire.run(100);
    expect(alice.ofKind("delivered")).toHaveLength(1);
    expect(alice.ofKind("reply")).toMatchObject([{ token, status: ReplyStatus.refused }]);
    expect(bob.sessions.nextWakeMs()).toBe(Number.POSITIVE_INFINITY);
  });

  it("takes a second at most, whoever is silent", () => {
    const { wire, alice, bob } = asked();
    alice.up = false;
    bob.sessions.closeAll(wire.nowMs);
    wire.run(990);
    expect(bob.sessions.nextWakeMs()).toBeLessThan(Number.POSITIVE_INFINITY);
    wire.run(20);
    expect(bob.sessions.nextWakeMs()).toBe(Number.POSITIVE_INFINITY);
  });

  it("is over at once when nothing is owed", () => {
    const { wire, alice, bob } = pair();
    alice.sendTo(bob, "hello");
    wire.run(100);
    const token = bob.sendTo(alice, "unsettled");
    bob.sessions.closeAll(wire.nowMs);
    bob.sessions.flush(wire.nowMs);
    expect(bob.sessions.nextWakeMs()).toBe(Number.POSITIVE_INFINITY);
    wire.run(100);
    expect(alice.texts).toEqual(["unsettled"]); // sent, but nobody waited for its end
    expect(bob.ofKind("failed")).toMatchObject([{ token, code: "CLOSED" }]);
    expect(bob.ofKind("delivered")).toEqual([]);
  });

  it("takes nothing in any more: no handshake, no text, no request", () => {
    const { wire, alice, bob } = asked();
    const carol = wire.host("carol");
    wire.tap = ({ from, to }) => from !== bob || to.port !== alice.address.port;
    bob.sessions.closeAll(wire.nowMs);
    alice.sendTo(bob, "too late");
    alice.sendTo(bob, "too late?", "request");
    carol.sendTo(bob, "hello");
    wire.run(500);
    expect(bob.texts).toEqual([]);
    expect(bob.ofKind("request")).toHaveLength(1);
    expect(bob.context.counters.get("handshakesCompleted")).toBe(1);
    const late = bob.sendTo(carol, "late");
    wire.run(1);
    expect(bob.ofKind("failed")).toMatchObject([{ token: late, code: "CLOSED" }]);
  });
});

describe("a message to oneself", () => {
  it("arrives once, whatever its size and however often", () => {
    const { wire, alice } = pair();
    const texts = ["one", "two", "three", "x".repeat(60_000)];
    const tokens = texts.map((text) => {
      const token = alice.sendTo(alice, text);
      wire.run(1_000);
      return token;
    });
    expect(alice.texts).toEqual(texts);
    expect(alice.ofKind("delivered").map((event) => event.token)).toEqual(tokens);
    expect(alice.sentOfType("sealed") + alice.sentOfType("reset")).toBe(0);
    expect(alice.heardAt).toEqual([]);
  });

  it("keeps its order in one handshake", () => {
    const { wire, alice } = pair();
    for (const text of ["one", "two", "three"]) alice.sendTo(alice, text);
    wire.run(100);
    expect(alice.texts).toEqual(["one", "two", "three"]);
    expect(alice.sentOfType("handshakeInit")).toBe(1);
  });

  it("may be a request, which is executed once and answered once", () => {
    const { wire, alice } = pair();
    const token = alice.sendTo(alice, "who am I?", "request");
    wire.run(100);
    answer(alice, wire);
    answer(alice, wire);
    wire.run(100);
    expect(alice.ofKind("request")).toHaveLength(1);
    expect(alice.ofKind("reply")).toMatchObject([{ token, status: ReplyStatus.ok }]);
  });

  it("that was given up brings no reply", () => {
    const { wire, alice } = pair();
    const token = alice.sendTo(alice, "who am I?", "request");
    wire.run(100);
    alice.sessions.cancel(wire.nowMs, token);
    answer(alice, wire);
    wire.run(100);
    expect(alice.ofKind("reply")).toEqual([]);
  });

  it("is not taken for one to another process of the same device", () => {
    const wire = new SessionWire();
    const [one, two] = [wire.host("alice", { seed: 1 }), wire.host("alice", { seed: 2 })];
    one.sendTo(two, "x".repeat(60_000));
    wire.run(1_000);
    expect(two.texts).toHaveLength(1);
    expect(one.texts).toEqual([]);
  });
});

describe("a machine that slept", () => {
  it("does not take the time for silence of its peers", () => {
    const { wire, alice, bob } = pair();
    alice.sendTo(bob, "hello");
    wire.run(100);
    wire.tap = () => false;
    alice.sendTo(bob, "in flight");
    wire.run(0.1);
    wire.tap = () => true;
    wire.nowMs += 60_000;
    alice.sessions.compensate(wire.nowMs, 60_000);
    wire.run(1_000);
    expect(bob.texts).toEqual(["hello", "in flight"]);
    expect(alice.sentOfType("handshakeInit")).toBe(1);
  });
});

describe("requests that nobody answers", () => {
  it("are refused when too many wait for replies", () => {
    const wire = new SessionWire();
    const alice = wire.host("alice", { limits: { queuedMessagesPerPeer: 3 } });
    const bob = wire.host("bob");
    for (let i = 0; i < 5; i += 1) {
      alice.sendTo(bob, `q${i}`, "request");
      wire.run(100);
    }
    expect(bob.ofKind("request")).toHaveLength(3);
    expect(alice.ofKind("failed").map((event) => event.code)).toEqual([
      "LIMIT_REACHED",
      "LIMIT_REACHED",
    ]);
    alice.sendTo(bob, "a text all the same");
    wire.run(100);
    expect(bob.texts).toHaveLength(1);
  });
});
