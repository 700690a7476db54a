import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../support/seededRandom.js";
import { DiscoveryBench, FakePeer, forged, queryOf } from "./discoveryBench.js";

const ATTACKER = "10.6.6.6";

/** What `peer` might say, were it not tampered with; it is known already if `known`. */
function samples(bench: DiscoveryBench, peer: FakePeer): Record<string, Uint8Array> {
  return {
    beacon: peer.beacon({ name: "renamed" }),
    answer: peer.answer(bench.query()),
    leave: peer.leave(),
    query: queryOf(1, { known: new Uint8Array(40), direct: true }),
  };
}

/** Everything that a datagram could have changed. */
function traces(bench: DiscoveryBench): unknown {
  const { transmits, events, discovery } = bench;
  return [transmits.length, events.length, discovery.peers()];
}

function bench(known: boolean): { bench: DiscoveryBench; peer: FakePeer } {
  const made = new DiscoveryBench({ announce: true });
  const peer = new FakePeer(1);
  if (known) made.heard(peer);
  return { bench: made, peer };
}

describe.each([false, true])("hostile datagrams of a device that is known: %s", (known) => {
  it.each(["beacon", "leave", "query", "answer"])("a truncated %s leaves no trace", (name) => {
    const { bench: node, peer } = bench(known);
    const whole = samples(node, peer)[name] ?? new Uint8Array();
    const before = traces(node);
    for (let length = 0; length < whole.length; length += 1) {
      // Of a query only its padding is missing.
      if (name === "query" && length >= 128) continue;
      node.receiveHostile(Uint8Array.from(whole.subarray(0, length)), ATTACKER);
    }
    expect(traces(node)).toEqual(before);
    node.receive(whole, peer.address);
    if (known || name !== "leave") node.runUntil(node.nowMs + 100);
    if (known || name !== "leave") expect(traces(node)).not.toEqual(before);
  });

  it.each(["beacon", "leave", "answer"])(
    "a %s with any one bit flipped leaves no trace",
    (name) => {
      const { bench: node, peer } = bench(known);
      const whole = samples(node, peer)[name] ?? new Uint8Array();
      const before = traces(node);
      for (let bit = 0; bit < whole.length * 8; bit += 1) {
        const damaged = Uint8Array.from(whole);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        node.receiveHostile(damaged, `10.6.${bit >> 8}.${bit & 255}`);
      }
      expect(traces(node)).toEqual(before);
    },
  );

  it("random bytes leave no trace", () => {
    const { bench: node } = bench(known);
    const random = new SeededRandom(99);
    const before = traces(node);
    for (let i = 0; i < 5_000; i += 1) {
      const bytes = random.bytes(Math.floor(random.uniform() * 300));
      bytes.set([0xf9, 1, 1 + (i % 4)].slice(0, bytes.length));
      // A query is not signed: this one would be genuine.
      if (bytes[2] === 3 && bytes.length >= 128) continue;
      node.receiveHostile(bytes, ATTACKER);
    }
    expect(traces(node)).toEqual(before);
  });
});

describe("work for strangers", () => {
  it.each([1, 200])(
    "is bounded when %i addresses send forged beacons, answers, leaves",
    (sources) => {
      const node = new DiscoveryBench({ announce: true });
      const peer = new FakePeer(1);
      node.meet(peer);
      const made = samples(node, peer);
      const kinds = ["beacon", "answer", "leave"].map((name) =>
        forged(made[name] ?? peer.beacon()),
      );
      const before = node.verifications;
      for (let i = 0; i < 20_000; i += 1) {
        const bytes = kinds[i % 3];
        if (bytes !== undefined) node.receive(bytes, `10.6.6.${i % sources}`);
      }
      // Ten each, and a thousand in all.
      expect(node.verifications - before).toBeLessThanOrEqual(sources * 10 + 1_000);
      expect(node.count("datagramsThrottled")).toBeGreaterThan(10_000);
      // The peer itself, elsewhere, is still heard.
      node.receive(peer.beacon({ name: "renamed" }), peer.address);
      expect(node.discovery.peers()).toMatchObject([{ name: "renamed" }]);
    },
  );

  it("that is spent in a peer's name leaves it a way to show that it is there", () => {
    const node = new DiscoveryBench();
    const peer = new FakePeer(1);
    node.receive(peer.beacon(), peer.address);
    const nonce = node.challengeTo(peer.address) ?? "";
    while (node.context.gate.admits(node.nowMs, peer.address)) continue;
    node.receive(peer.answer(nonce), peer.address);
    expect(node.changes(peer)).toEqual(["online"]);
  });

  it("is bounded when 20,000 addresses send one forged beacon each", () => {
    const node = new DiscoveryBench();
    const bytes = forged(new FakePeer(1).beacon());
    for (let i = 0; i < 20_000; i += 1) node.receive(bytes, `10.${i >> 8}.6.${i & 255}`);
    expect(node.verifications).toBeLessThanOrEqual(3_000 + 1_000);
  });

  it("is bounded when one address sends genuine beacons of ever new keys", () => {
    const node = new DiscoveryBench();
    for (let i = 0; i < 3_000; i += 1) node.receive(new FakePeer(10 + i).beacon(), ATTACKER);
    expect(node.verifications).toBe(1_010);
    const honest = new FakePeer(1);
    node.receive(honest.beacon(), honest.address);
    expect(node.verifications).toBe(1_011);
  });

  it("is none for a device that the user blocked", () => {
    const node = new DiscoveryBench();
    const peer = new FakePeer(1);
    const stranger = new FakePeer(2);
    node.meet(peer);
    node.receive(stranger.beacon(), stranger.address);
    for (const { device } of [peer, stranger]) {
      node.blocked.add(device);
      node.discovery.blocked(node.nowMs, device);
    }
    node.runUntil(node.nowMs); // drains
    expect(node.discovery.peers()).toEqual([]);
    const { verifications } = node;
    const nonce = node.query();
    for (const blocked of [peer, stranger]) {
      node.receive(blocked.beacon(), blocked.address);
      node.receive(blocked.answer(nonce), blocked.address);
      node.receive(blocked.leave(), blocked.address);
      node.heard(blocked);
    }
    node.heard(peer, peer.address, undefined, false);
    expect(node.verifications).toBe(verifications);
    expect(node.count("datagramsBlocked")).toBe(4);
    expect(node.discovery.peers()).toEqual([]);
    expect(node.discovery.isPresent(node.nowMs, peer)).toBe(false);
    node.runUntil(node.nowMs + 10_000);
    expect(node.changes(peer)).toEqual(["online", "offline"]);
  });
});
