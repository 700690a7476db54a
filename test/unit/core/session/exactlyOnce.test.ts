import { describe, expect, it } from "vitest";
import type { Limits } from "../../../../src/core/limits.js";
import { FrameType, Lane } from "../../../../src/wire/frames.js";
import { decodeRecord, RecordKind, ReplyStatus } from "../../../../src/wire/record.js";
import { ackUpTo, messageFrame, RawPeer } from "../../../support/rawPeer.js";
import { type SessionHost, SessionWire } from "../../../support/sessionWire.js";

class RequestBench {
  readonly wire = new SessionWire();
  readonly host: SessionHost;
  readonly raw: RawPeer;

  constructor(limits: Partial<Limits> = {}) {
    this.host = this.wire.host("host", { limits });
    this.raw = new RawPeer(this.wire, this.host);
    this.raw.connect();
  }

  /** Sends a request, the first time or again, and acknowledges whatever comes. */
  request(sequence: number): void {
    this.raw.send(messageFrame(sequence, { lane: Lane.requests }));
    this.settle();
  }

  answer(index: number): void {
    const request = this.host.ofKind("request")[index];
    if (request === undefined) throw new Error("no such request");
    this.host.sessions.reply(this.wire.nowMs, {
      key: request.key,
      status: ReplyStatus.ok,
      body: new Uint8Array([index]),
      sentAtMs: 0,
      messageSequence: 1,
    });
    this.settle();
  }

  settle(): void {
    this.wire.run(2);
    const last = this.raw.opened.at(-1);
    if (last !== undefined) this.raw.send(ackUpTo(last.counter));
    this.wire.run(30);
  }

  /** Request sequence and status of every reply that came, oldest first. */
  get replies(): [number, number][] {
    return this.raw.framesOf(FrameType.message).flatMap((frame): [number, number][] => {
      const record = decodeRecord(frame.record);
      return record.kind === RecordKind.reply ? [[record.requestSequence, record.status]] : [];
    });
  }
}

/** Answers every request that came so far. */
function replyTo(wire: SessionWire, host: SessionHost, body: Uint8Array): void {
  for (const { key } of host.ofKind("request")) {
    const stamp = { sentAtMs: 0, messageSequence: 1 };
    host.sessions.reply(wire.nowMs, { key, status: ReplyStatus.ok, body, ...stamp });
  }
}

describe("a request that arrives again", () => {
  it("while it runs is acknowledged only", () => {
    const bench = new RequestBench();
    for (let i = 0; i < 3; i += 1) bench.request(1);
    expect(bench.host.ofKind("request")).toHaveLength(1);
    expect(bench.replies).toEqual([]);
    bench.answer(0);
    expect(bench.replies).toEqual([[1, ReplyStatus.ok]]);
  });

  it("when it is done brings the stored reply again", () => {
    const bench = new RequestBench();
    bench.request(1);
    bench.answer(0);
    bench.request(1);
    bench.request(1);
    expect(bench.host.ofKind("request")).toHaveLength(1);
    expect(bench.replies).toEqual([1, 1, 1].map((sequence) => [sequence, ReplyStatus.ok]));
  });

  it("after 300 s is told that it expired, and not executed", () => {
    const bench = new RequestBench();
    bench.request(1);
    bench.answer(0);
    bench.wire.run(300_100);
    bench.raw.connect();
    bench.request(1);
    expect(bench.host.ofKind("request")).toHaveLength(1);
    expect(bench.replies.at(-1)).toEqual([1, ReplyStatus.expired]);
  });

  it("below the base, late and unseen, is told that it expired, and not executed", () => {
    const bench = new RequestBench();
    bench.raw.send(messageFrame(5, { lane: Lane.requests, base: 5 }));
    bench.settle();
    bench.request(3);
    expect(bench.host.ofKind("request")).toHaveLength(1);
    expect(bench.replies).toEqual([[3, ReplyStatus.expired]]);
  });

  it("in another session is still known", () => {
    const bench = new RequestBench();
    bench.request(1);
    bench.raw.connect();
    bench.request(1);
    expect(bench.host.ofKind("request")).toHaveLength(1);
    bench.answer(0);
    expect(bench.replies).toEqual([[1, ReplyStatus.ok]]);
  });

  it("from another incarnation is another request", () => {
    const bench = new RequestBench();
    bench.request(1);
    bench.raw.connect({ incarnation: "01".repeat(8) });
    bench.request(1);
    expect(bench.host.ofKind("request")).toHaveLength(2);
  });
});

describe("too many requests", () => {
  it("are refused as busy, again and again, and never executed", () => {
    const bench = new RequestBench({ repliesPerPeer: 2 });
    for (const sequence of [1, 2, 3, 3]) bench.request(sequence);
    expect(bench.host.ofKind("request")).toHaveLength(2);
    expect(bench.replies).toEqual([3, 3].map((sequence) => [sequence, ReplyStatus.busy]));
    bench.answer(0);
    bench.request(4);
    expect(bench.host.ofKind("request")).toHaveLength(3);
  });
});

describe("a reply that nobody fetches", () => {
  it("does not keep a link for ever", () => {
    const bench = new RequestBench({ sessions: 1 });
    bench.request(1);
    const request = bench.host.ofKind("request")[0];
    if (request === undefined) throw new Error("no request");
    bench.host.sessions.reply(bench.wire.nowMs, {
      key: request.key,
      status: ReplyStatus.ok,
      body: new Uint8Array(0),
      sentAtMs: 0,
      messageSequence: 1,
    });
    // Two more peers fit, because the reply of the first is worth less than a living one.
    for (const lastByte of [97, 98]) {
      const other = new RawPeer(bench.wire, bench.host, `other ${lastByte}`, lastByte);
      other.connect();
      other.send(messageFrame(1));
    }
    expect(bench.host.texts).toHaveLength(2);
    expect(bench.host.context.counters.get("handshakesRefused")).toBe(0);
    bench.wire.run(700_000);
    expect(bench.host.sessions.nextWakeMs()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("a text that waits at the receiver for one before it", () => {
  it("is not told as delivered before it was handed on", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    alice.sendTo(bob, "one");
    wire.run(100);
    let packets = 0;
    wire.tap = ({ from }) => {
      if (from === alice) packets += 1;
      return from !== alice || packets === 2;
    };
    alice.sendTo(bob, "two");
    wire.run(1);
    alice.sendTo(bob, "three");
    wire.run(10);
    expect(bob.texts).toEqual(["one"]);
    expect(alice.ofKind("delivered")).toHaveLength(1);
    // The receiver loses its memory: what it only held must come again.
    bob.restart();
    bob.events = [];
    wire.tap = () => true;
    wire.run(5_000);
    expect(bob.texts).toEqual(["two", "three"]);
    expect(alice.ofKind("delivered")).toHaveLength(3);
  });

  it("is handed on when the one before it is given up without a session", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    alice.sendTo(bob, "one");
    wire.run(100);
    let packets = 0;
    wire.tap = ({ from }) => {
      if (from === alice) packets += 1;
      return from !== alice || packets === 2;
    };
    const lost = alice.sendTo(bob, "two");
    wire.run(1);
    alice.sendTo(bob, "three");
    wire.run(40_000); // the session dies
    expect(bob.texts).toEqual(["one"]);
    alice.sessions.cancel(wire.nowMs, lost);
    wire.tap = () => true;
    wire.run(10_000);
    expect(bob.texts).toEqual(["one", "three"]);
    expect(alice.ofKind("delivered")).toHaveLength(2);
  });
});

describe("a peer that was not heard for long", () => {
  it("has its text handed on once, when it can speak to us but not hear us", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    alice.sendTo(bob, "hello");
    wire.run(100);
    wire.tap = ({ from }) => from !== bob;
    alice.sendTo(bob, "once");
    wire.run(900_000);
    wire.tap = () => true;
    wire.run(10_000);
    expect(bob.texts).toEqual(["hello", "once"]);
    expect(alice.ofKind("delivered")).toHaveLength(2);
  });

  it("has its request executed once, and is told that the outcome expired", () => {
    const wire = new SessionWire();
    const [alice, bob] = [wire.host("alice"), wire.host("bob")];
    alice.sendTo(bob, "hello");
    wire.run(100);
    wire.tap = ({ from }) => from !== bob;
    alice.sendTo(bob, "pay", "request");
    wire.run(20);
    replyTo(wire, bob, new Uint8Array(1));
    wire.run(900_000);
    wire.tap = () => true;
    wire.run(10_000);
    expect(bob.ofKind("request")).toHaveLength(1);
    expect(alice.ofKind("reply")).toMatchObject([{ status: ReplyStatus.expired }]);
  });

  it("has a request that still runs answered, however late", () => {
    const bench = new RequestBench();
    bench.request(1);
    bench.wire.run(2_000_000);
    bench.raw.connect();
    bench.request(1);
    bench.answer(0);
    expect(bench.host.ofKind("request")).toHaveLength(1);
    expect(bench.replies).toEqual([[1, ReplyStatus.ok]]);
  });

  it("does not take for delivered what was only held here", () => {
    const bench = new RequestBench();
    bench.raw.send(messageFrame(1), messageFrame(3));
    bench.wire.run(900_000);
    bench.raw.connect();
    bench.raw.send(messageFrame(3), messageFrame(2));
    expect(bench.host.texts).toEqual(["text 1", "text 2", "text 3"]);
    bench.raw.send(messageFrame(1));
    expect(bench.host.texts).toHaveLength(3);
  });
});

describe("handshakes of strangers", () => {
  function strangers(bench: RequestBench, count: number, text: boolean): void {
    for (let i = 0; i < count; i += 1) {
      const other = new RawPeer(bench.wire, bench.host, `stranger ${i}`, 100 + i);
      other.connect();
      if (text) other.send(messageFrame(1));
    }
  }

  it("do not push out a peer whose request runs or was just answered", () => {
    const bench = new RequestBench({ sessions: 4 });
    bench.request(1);
    strangers(bench, 5, true);
    bench.answer(0);
    strangers(bench, 5, true);
    bench.request(1);
    expect(bench.host.ofKind("request")).toHaveLength(1);
    expect(bench.replies).toEqual([1, 1].map((sequence) => [sequence, ReplyStatus.ok]));
  });

  it("push out one another before a peer that ever said something", () => {
    const bench = new RequestBench({ sessions: 2 });
    bench.raw.send(messageFrame(1));
    const before = bench.host.context.counters.get("resetsSent");
    strangers(bench, 5, false);
    bench.raw.send(messageFrame(2));
    expect(bench.host.texts).toHaveLength(2);
    expect(bench.host.context.counters.get("resetsSent")).toBe(before);
  });

  it("make no request run twice, even if all links are busy", () => {
    const bench = new RequestBench({ sessions: 1 });
    bench.request(1);
    strangers(bench, 1, false);
    bench.raw.connect();
    bench.request(1);
    expect(bench.host.ofKind("request")).toHaveLength(1);
    expect(bench.replies).toEqual([[1, ReplyStatus.expired]]);
  });
});

describe("more replies than the queue has room for", () => {
  it("arrive all the same", () => {
    const wire = new SessionWire();
    const [alice, bob] = [
      wire.host("alice"),
      wire.host("bob", { limits: { queuedBytesPerPeer: 200_000 } }),
    ];
    for (let i = 0; i < 30; i += 1) alice.sendTo(bob, `q${i}`, "request");
    wire.run(50);
    replyTo(wire, bob, new Uint8Array(60_000));
    wire.run(20_000);
    expect(bob.ofKind("request")).toHaveLength(30);
    const replies = alice.ofKind("reply");
    expect(replies).toHaveLength(30);
    expect(new Set(replies.map(({ status, body }) => [status, body.length].join()))).toEqual(
      new Set([`${ReplyStatus.ok},60000`]),
    );
  });
});
