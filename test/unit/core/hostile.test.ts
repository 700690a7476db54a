import { beforeEach, describe, expect, it } from "vitest";
import { Core, type CoreOutput } from "../../../src/core/core.js";
import type { Address } from "../../../src/core/io.js";
import type { Limits } from "../../../src/core/limits.js";
import { DatagramType } from "../../../src/wire/constants.js";
import { encodeUtf8, toHex } from "../../../src/wire/cursor.js";
import { encodeQuery } from "../../../src/wire/presence.js";
import {
  decodeHandshakeResponse,
  encodeClaims,
  encodeHandshakeFinish,
  encodeHandshakeInit,
  encodeReset,
} from "../../../src/wire/session.js";
import { clearSuite } from "../../support/clearSuite.js";
import { sealed } from "../../support/rawPeer.js";
import { SeededRandom } from "../../support/seededRandom.js";
import { simIdentity, simVerify } from "../../support/simIdentity.js";

const OUTSIDER: Address = { address: "10.0.0.200", port: 22400 };
const PEER: Address = { address: "10.0.0.2", port: 22400 };
const VICTIM: Address = { address: "10.0.0.1", port: 22400 };

/** One core under attack, with everything that it says. */
class Victim {
  nowMs = 0;
  readonly core: Core;
  readonly outputs: CoreOutput[] = [];

  constructor(limits: Partial<Limits> = {}, name = "victim") {
    this.core = new Core(0, {
      identity: simIdentity(name),
      verify: simVerify,
      handshakeSuite: clearSuite,
      random: new SeededRandom(name.length),
      name,
      dataPort: 22400,
      startedAtMs: 1_700_000_000_000,
      announce: true,
      limits,
    });
  }

  /** Takes a datagram and returns what comes out at once. */
  receive(bytes: Uint8Array, from = OUTSIDER): CoreOutput {
    this.core.receive(this.nowMs, { bytes, from, onLink: true, via: "data" });
    return this.poll();
  }

  poll(): CoreOutput {
    const output = this.core.poll(this.nowMs);
    this.outputs.push(output);
    return output;
  }

  /** Lets time pass, and returns all unicast bytes sent to an address meanwhile. */
  run(spanMs: number, to: Address): number {
    const endMs = this.nowMs + spanMs;
    let sent = unicastBytes(this.poll(), to);
    for (;;) {
      const { wakeAtMs } = this.poll();
      if (wakeAtMs > endMs) break;
      this.nowMs = Math.max(wakeAtMs, this.nowMs);
      this.core.wake(this.nowMs);
      sent += unicastBytes(this.poll(), to);
    }
    this.nowMs = endMs;
    return sent;
  }

  effects(): number {
    const kinds = ["message", "request", "reply", "delivered", "failed"];
    return this.outputs.flatMap((o) => o.events).filter((e) => kinds.includes(e.kind)).length;
  }
}

function unicastBytes(output: CoreOutput, to: Address): number {
  const sent = output.transmits.filter(
    ({ destination }) => destination.kind === "unicast" && destination.to.address === to.address,
  );
  return sent.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** A conversation between two cores; returns every unicast datagram that the victim received. */
function conversation(): { victim: Victim; received: Uint8Array[] } {
  const victim = new Victim();
  const peer = new Victim({}, "honest peer");
  const received: Uint8Array[] = [];
  const send = (kind: "text" | "request"): void => {
    const target = { kind: "address", to: VICTIM } as const;
    const body = encodeUtf8("hello");
    peer.core.send(peer.nowMs, { token: received.length, target, kind, body, sentAtMs: 0 });
  };
  const exchange = (): void => {
    for (let turn = 0; turn < 6; turn += 1) {
      for (const { bytes, destination } of peer.poll().transmits) {
        if (destination.kind !== "unicast") continue;
        received.push(bytes);
        const { transmits } = victim.receive(bytes, PEER);
        for (const answer of transmits) {
          if (answer.destination.kind === "unicast") peer.receive(answer.bytes, VICTIM);
        }
      }
      peer.nowMs += 30;
      peer.core.wake(peer.nowMs);
    }
  };
  send("text");
  exchange();
  send("request");
  exchange();
  const target = { kind: "address", to: PEER } as const;
  victim.core.send(0, { token: 1, target, kind: "text", body: encodeUtf8("back"), sentAtMs: 0 });
  for (const { bytes } of victim.poll().transmits) {
    for (const answer of peer.receive(bytes, VICTIM).transmits) {
      received.push(answer.bytes);
      victim.receive(answer.bytes, PEER);
    }
  }
  received.push(encodeReset({ receiverIndex: 1, counter: 1 }));
  return { victim, received };
}

function init(senderIndex: number): Uint8Array {
  return encodeHandshakeInit({
    senderIndex,
    suite: 0,
    cookie: new Uint8Array(0),
    message: new Uint8Array(0),
  });
}

function claimsOf(name: string): Uint8Array {
  return encodeClaims({
    device: simIdentity(name).device,
    incarnation: "00".repeat(8),
    dataPort: 22400,
    creditDatagrams: 64,
    announces: true,
    name,
  });
}

const at = (i: number): Address => ({ address: `10.${i >> 8}.${i % 256}.7`, port: 22400 });

/** The index that the victim chose, from its response to an INIT. */
function responderIndex(output: CoreOutput): number {
  const response = output.transmits.find(
    ({ bytes }) => bytes[2] === DatagramType.handshakeResponse,
  );
  return decodeHandshakeResponse(response?.bytes ?? new Uint8Array(0)).senderIndex;
}

describe("datagrams of a real conversation", () => {
  let victim: Victim;
  let received: Uint8Array[];
  beforeEach(() => {
    ({ victim, received } = conversation());
  });

  it("are of every unicast type but the response", () => {
    const types = new Set(received.map((bytes) => bytes[2]));
    const { handshakeInit, handshakeFinish, sealed: sealedType, reset } = DatagramType;
    expect(types).toEqual(new Set<number>([handshakeInit, handshakeFinish, sealedType, reset]));
    expect(victim.effects()).toBe(3);
  });

  it("replayed, from anywhere and in any order, have no second effect", () => {
    for (const bytes of [...received, ...received.toReversed()]) {
      victim.receive(bytes, PEER);
      victim.receive(bytes, OUTSIDER);
    }
    victim.run(1_000, OUTSIDER);
    expect(victim.effects()).toBe(3);
  });

  it("cut at every length are dropped", () => {
    for (const bytes of received) {
      for (let length = 0; length < bytes.length; length += 1) {
        victim.receive(Uint8Array.from(bytes.subarray(0, length)), PEER);
      }
    }
    victim.run(1_000, OUTSIDER);
    expect(victim.effects()).toBe(3);
    expect(victim.core.counters().datagramsMalformed).toBeGreaterThan(100);
  });

  it("with any bit turned over are survived", () => {
    for (const bytes of received) {
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const damaged = Uint8Array.from(bytes);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        victim.receive(damaged, PEER);
      }
    }
    victim.run(60_000, OUTSIDER);
    // It still works for somebody else.
    const index = responderIndex(victim.receive(init(9), OUTSIDER));
    const done = victim.core.counters().handshakesCompleted;
    victim.receive(
      encodeHandshakeFinish({ receiverIndex: index, message: claimsOf("new") }),
      OUTSIDER,
    );
    expect(victim.core.counters().handshakesCompleted).toBe(done + 1);
  });
});

describe("bytes out for bytes in from an unknown address", () => {
  it("are at most three times as many, for every kind of input", () => {
    const query = encodeQuery({
      nonce: "01".repeat(8),
      incarnation: "02".repeat(8),
      dataPort: 22400,
      direct: false,
      peersKnown: 0,
      known: new Uint8Array(0),
    });
    const direct = Uint8Array.from(query);
    direct[22] = 1; // flags, behind header 4, nonce 8, incarnation 8 and port 2
    const inputs: Record<string, Uint8Array> = {
      init: init(1),
      finish: encodeHandshakeFinish({ receiverIndex: 5, message: claimsOf("x") }),
      sealed: sealed(5, 5, new Uint8Array(0)),
      reset: encodeReset({ receiverIndex: 5, counter: 5 }),
      query,
      direct,
    };
    for (const [what, bytes] of Object.entries(inputs)) {
      const victim = new Victim({}, "n".repeat(32));
      let sent = 0;
      for (let repeat = 0; repeat < 5; repeat += 1) {
        sent += unicastBytes(victim.receive(bytes), OUTSIDER);
      }
      sent += victim.run(30_000, OUTSIDER);
      expect(sent, what).toBeLessThanOrEqual(3 * 5 * bytes.length);
      if (["init", "sealed", "query", "direct"].includes(what))
        expect(sent, what).toBeGreaterThan(0);
    }
  });

  it("never include a reset for a reset, so that two nodes can't loop", () => {
    const [a, b] = [new Victim(), new Victim({}, "other")];
    let flying = [sealed(77, 0, new Uint8Array(5))];
    let rounds = 0;
    for (; flying.length > 0 && rounds < 10; rounds += 1) {
      const to = rounds % 2 === 0 ? a : b;
      const from = rounds % 2 === 0 ? PEER : VICTIM;
      flying = flying.flatMap((bytes) => to.receive(bytes, from).transmits.map((t) => t.bytes));
    }
    expect(rounds).toBe(2);
  });
});

describe("floods", () => {
  it("of first messages leave at most 256 half-open handshakes", () => {
    const victim = new Victim({ handshakesPerSecondBeforeCookies: 1_000 });
    const indexes: number[] = [];
    for (let i = 0; i < 300; i += 1) indexes.push(responderIndex(victim.receive(init(1), at(i))));
    for (const [i, receiverIndex] of indexes.entries()) {
      victim.receive(
        encodeHandshakeFinish({ receiverIndex, message: claimsOf(`peer ${i}`) }),
        at(i),
      );
    }
    expect(victim.core.counters().handshakesCompleted).toBe(256);
  });

  it("of whole handshakes leave at most the limit of sessions", () => {
    const victim = new Victim({ sessions: 8 });
    const indexes: number[] = [];
    for (let i = 0; i < 50; i += 1) {
      const receiverIndex = responderIndex(victim.receive(init(1), at(i)));
      indexes.push(receiverIndex);
      const message = claimsOf(`peer ${i}`);
      victim.receive(encodeHandshakeFinish({ receiverIndex, message }), at(i));
      victim.nowMs += 1;
    }
    const alive = indexes.filter((receiverIndex, i) => {
      const { transmits } = victim.receive(sealed(receiverIndex, 0, new Uint8Array([1])), at(i));
      return transmits.some(({ bytes }) => bytes[2] === DatagramType.sealed);
    });
    expect(alive).toHaveLength(8);
  });

  it("of noise in our own clothes are counted and forgotten", () => {
    const victim = new Victim();
    const random = new SeededRandom(77);
    const types = Object.values(DatagramType);
    for (let i = 0; i < 20_000; i += 1) {
      const bytes = random.bytes(4 + Math.floor(random.uniform() * 300));
      bytes.set([0xf9, 1, types[i % types.length] ?? 0, 0]);
      victim.receive(bytes, at(i));
    }
    victim.run(60_000, OUTSIDER);
    expect(victim.effects()).toBe(0);
    expect(victim.core.peers()).toEqual([]);
    const transmitted = victim.outputs.flatMap((o) => o.transmits.map((t) => toHex(t.bytes)));
    expect(transmitted.length).toBeLessThan(20_000);
  });
});
