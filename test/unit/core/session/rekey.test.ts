import { describe, expect, it } from "vitest";
import type { HandshakeSuite, PacketProtector } from "../../../../src/crypto/handshake.js";
import { DatagramType } from "../../../../src/wire/constants.js";
import { clearSuite } from "../../../support/clearSuite.js";
import { SeededRandom } from "../../../support/seededRandom.js";
import { type SessionHost, SessionWire } from "../../../support/sessionWire.js";

/** The clear suite, which notes what each key of it seals. */
class WatchedSuite implements HandshakeSuite {
  readonly id = clearSuite.id;
  /** Per key the packet numbers, in the order of their sealing. */
  readonly sealed: number[][] = [];

  initiate(claims: Uint8Array, random: SeededRandom): ReturnType<HandshakeSuite["initiate"]> {
    const handshake = clearSuite.initiate(claims, random);
    const { message1 } = handshake;
    const finish = (message2: Uint8Array) => this.#watched(handshake.finish(message2));
    return { message1, finish };
  }

  respond(...args: Parameters<HandshakeSuite["respond"]>): ReturnType<HandshakeSuite["respond"]> {
    const handshake = clearSuite.respond(...args);
    const { message2 } = handshake;
    return { message2, accept: (message3) => this.#watched(handshake.accept(message3)) };
  }

  #watched<Result extends { readonly protector: PacketProtector }>(result: Result): Result {
    const numbers: number[] = [];
    this.sealed.push(numbers);
    const { protector } = result;
    return {
      ...result,
      protector: {
        ...protector,
        seal(counter, header, payload) {
          numbers.push(counter);
          return protector.seal(counter, header, payload);
        },
      },
    };
  }
}

interface Bench {
  readonly wire: SessionWire;
  readonly alice: SessionHost;
  readonly bob: SessionHost;
  readonly suites: readonly [WatchedSuite, WatchedSuite];
}

function bench(limits: { rekeyAfterPackets?: number; rekeyAfterMs?: number }): Bench {
  const wire = new SessionWire();
  const suites = [new WatchedSuite(), new WatchedSuite()] as const;
  const alice = wire.host("alice", { limits, suite: suites[0] });
  const bob = wire.host("bob", { limits, suite: suites[1] });
  return { wire, alice, bob, suites };
}

function expectNoNumberTwice({ suites }: Bench): void {
  for (const numbers of suites.flatMap((suite) => suite.sealed)) {
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).toBe(numbers.length);
  }
}

describe("a session that sealed many packets", () => {
  it("is replaced while it is in use; all arrives once and in order, at 20 % loss", () => {
    const scene = bench({ rekeyAfterPackets: 200 });
    const { wire, alice, bob } = scene;
    const random = new SeededRandom(5);
    wire.tap = () => random.uniform() >= 0.2;
    const there = Array.from({ length: 2_000 }, (_, i) => `there ${i}`);
    const back = Array.from({ length: 2_000 }, (_, i) => `back ${i}`);
    for (let i = 0; i < 2_000; i += 1) {
      alice.sendTo(bob, there[i] ?? "");
      bob.sendTo(alice, back[i] ?? "");
      wire.run(10);
    }
    wire.run(20_000);
    expect(bob.texts).toEqual(there);
    expect(alice.texts).toEqual(back);
    expect(alice.ofKind("delivered")).toHaveLength(2_000);
    expect(alice.context.counters.get("rekeys")).toBeGreaterThan(5);
    expectNoNumberTwice(scene);
    for (const numbers of scene.suites.flatMap((suite) => suite.sealed)) {
      expect(numbers.length).toBeLessThan(2 * 200);
    }
  });

  it("is replaced by its initiator alone, when both sides send alike", () => {
    const { wire, alice, bob } = bench({ rekeyAfterPackets: 100 });
    for (let i = 0; i < 600; i += 1) {
      alice.sendTo(bob, "there");
      bob.sendTo(alice, "back");
      wire.run(20);
    }
    expect(alice.context.counters.get("rekeys")).toBeGreaterThan(3);
    expect(bob.sentOfType("handshakeInit")).toBe(1); // at the very beginning
    expect(alice.ofKind("delivered")).toHaveLength(600);
  });

  it("seals nothing beyond twice the limit, even if no new one can be had", () => {
    const scene = bench({ rekeyAfterPackets: 50 });
    const { wire, alice, bob } = scene;
    alice.sendTo(bob, "first");
    wire.run(100);
    wire.tap = ({ type }) => type !== DatagramType.handshakeInit;
    for (let i = 0; i < 300; i += 1) {
      alice.sendTo(bob, `text ${i}`);
      wire.run(20);
    }
    const [numbers = []] = scene.suites[0].sealed;
    expect(numbers.length).toBeGreaterThan(90);
    expect(numbers.length).toBeLessThan(100);
    wire.tap = () => true;
    wire.run(10_000);
    expect(bob.texts).toEqual(["first", ...Array.from({ length: 300 }, (_, i) => `text ${i}`)]);
    expectNoNumberTwice(scene);
  });
});

describe("a session that is old", () => {
  it("is replaced when it is used again, not while it is idle", () => {
    const { wire, alice, bob } = bench({ rekeyAfterMs: 60_000 });
    alice.sendTo(bob, "one");
    wire.run(100_000);
    expect(alice.sentOfType("handshakeInit")).toBe(1);
    alice.sendTo(bob, "two");
    wire.run(1_000);
    expect(bob.texts).toEqual(["one", "two"]);
    expect(alice.sentOfType("handshakeInit")).toBe(2);
    expect(alice.context.counters.get("rekeys")).toBe(1);
    expect(alice.ofKind("delivered")[1]?.rttMs).toBeCloseTo(1, 5); // it did not wait for that
    wire.run(10_000);
    expect(alice.sentOfType("handshakeInit")).toBe(2);
  });

  it("is replaced by the responder if only that one uses it", () => {
    const { wire, alice, bob } = bench({ rekeyAfterMs: 60_000 });
    alice.sendTo(bob, "one");
    wire.run(62_000);
    wire.tap = ({ from, type }) => from !== alice || type !== DatagramType.handshakeInit;
    bob.sendToDevice(alice, "back");
    wire.run(2_000);
    expect(bob.sentOfType("handshakeInit")).toBe(0); // not yet: it leaves it to the initiator
    wire.run(6_000);
    bob.sendToDevice(alice, "back again");
    wire.run(1_000);
    expect(bob.sentOfType("handshakeInit")).toBe(1);
    expect(alice.texts).toEqual(["back", "back again"]);
  });

  it("is replaced while a reply is awaited, however long", () => {
    const { wire, alice, bob } = bench({ rekeyAfterMs: 60_000 });
    alice.sendTo(bob, "really?", "request");
    wire.run(65_000);
    expect(alice.sentOfType("handshakeInit")).toBe(2);
    expect(alice.context.counters.get("rekeys")).toBe(1);
    expect(bob.ofKind("request")).toHaveLength(1);
  });

  it("is over at twice the age, and the next message opens a new one", () => {
    const { wire, alice, bob } = bench({ rekeyAfterMs: 60_000 });
    alice.sendTo(bob, "one");
    wire.run(130_000);
    const sealed = alice.sentOfType("sealed");
    alice.sendTo(bob, "two");
    wire.run(0.4);
    expect(alice.sentOfType("sealed")).toBe(sealed);
    wire.run(100);
    expect(bob.texts).toEqual(["one", "two"]);
  });

  it("is replaced under a conversation of an hour, and nothing is lost or repeated", () => {
    const scene = bench({});
    const { wire, alice, bob } = scene;
    const texts = Array.from({ length: 720 }, (_, i) => `minute ${i / 12}`);
    for (const text of texts) {
      alice.sendTo(bob, text);
      wire.run(5_000);
    }
    expect(bob.texts).toEqual(texts);
    expect(alice.ofKind("delivered")).toHaveLength(720);
    expect(alice.context.counters.get("rekeys")).toBe(5);
    expectNoNumberTwice(scene);
  });
});
