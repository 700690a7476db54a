import { describe, expect, it } from "vitest";
import type { Address } from "../../../../src/core/io.js";
import { DatagramType } from "../../../../src/wire/constants.js";
import { decodeQuery } from "../../../../src/wire/presence.js";
import { DiscoveryBench, FakePeer, isTo } from "./discoveryBench.js";

const FULL = 4096;
/** At so many a second the presence of strangers is looked at. */
const FLOOD_PER_SECOND = 500;

/** Beacons of invented devices; `address` says from where. None of them ever answers. */
function flood(bench: DiscoveryBench, address: (i: number) => string): void {
  for (let i = 0; i < FULL; i += 1) {
    const fake = new FakePeer(10_000 + i);
    fake.dataPort = 10_000 + i; // each is to be challenged
    bench.runUntil(bench.nowMs + 1000 / FLOOD_PER_SECOND);
    bench.receive(fake.beacon(), address(i));
  }
}

const at = ({ address, dataPort }: FakePeer): Address => ({ address, port: dataPort });

/** A beacon, the challenge that follows it, and the answer. */
function prove(bench: DiscoveryBench, peer: FakePeer, address = peer.address): void {
  bench.receive(peer.beacon(), address);
  const nonce = bench.challengeTo(address, peer.dataPort, 3_000);
  if (nonce === undefined) throw new Error("no challenge");
  bench.receive(peer.answer(nonce), address);
}

function onlineCount(bench: DiscoveryBench): number {
  return bench.discovery.peers().filter(({ state }) => state === "online").length;
}

describe("room for an honest peer", () => {
  it.each([
    ["one address", () => "10.9.9.9"],
    ["200 addresses", (i: number) => `10.9.9.${i % 200}`],
  ])("is there after 4,096 devices from %s that never answer", (_name, address) => {
    const bench = new DiscoveryBench({ announce: true });
    flood(bench, address);
    expect(onlineCount(bench)).toBe(0);
    expect(bench.events).toEqual([]);
    const honest = new FakePeer(1);
    bench.receive(honest.beacon(), honest.address);
    expect(bench.discovery.peers().length).toBeLessThanOrEqual(FULL);
    // Every address has its turn: at most 201 of them, 10 ms each.
    const nonce = bench.challengeTo(honest.address, 22400, 2_500) ?? "";
    bench.receive(honest.answer(nonce), honest.address);
    expect(bench.changes(honest)).toEqual(["online"]);
    expect(onlineCount(bench)).toBe(1);
  });

  it("is found amid an endless flood of devices, each from another invented address", () => {
    const bench = new DiscoveryBench({ announce: true });
    const honest = new FakePeer(1);
    let fakes = 0;
    let nonce: string | undefined;
    for (let beacons = 0; beacons < 25 && nonce === undefined; beacons += 1) {
      // Its beacons come every ten seconds.
      for (let i = 0; i < 10 * FLOOD_PER_SECOND; i += 1) {
        bench.runUntil(bench.nowMs + 1000 / FLOOD_PER_SECOND);
        fakes += 1;
        bench.receive(new FakePeer(10_000 + fakes).beacon(), `10.8.${fakes >> 8}.${fakes & 255}`);
        if (beacons > 1 && i === 1_234) bench.receive(honest.beacon(), honest.address);
      }
      const asked = bench.sent(DatagramType.query).find((sent) => isTo(sent, at(honest)));
      if (asked !== undefined) nonce = decodeQuery(asked.bytes).nonce;
      bench.transmits.length = 0;
    }
    expect(nonce).toBeDefined();
  }, 60_000);

  it("is there while the candidates overflow from one address", () => {
    const bench = new DiscoveryBench({ limits: { peers: 10 } });
    const honest = new FakePeer(1);
    bench.receive(honest.beacon(), honest.address);
    for (let i = 0; i < 50; i += 1) bench.receive(new FakePeer(100 + i).beacon(), "10.9.9.9");
    const known = bench.discovery.peers();
    expect(known.length).toBe(10);
    expect(known.map(({ id }) => id)).toContain(honest.device);
    expect(bench.challengeTo(honest.address)).toBeDefined();
  });

  it("is there when one address filled the roster with devices that all answered", () => {
    const bench = new DiscoveryBench({ limits: { peers: 64 } });
    const fakes = Array.from({ length: 64 }, (_, i) => new FakePeer(10_000 + i));
    for (const fake of fakes) prove(bench, fake, "10.9.9.9");
    expect(onlineCount(bench)).toBe(64);
    const honest = new FakePeer(1);
    prove(bench, honest);
    expect(bench.changes(honest)).toEqual(["online"]);
    expect(bench.discovery.peers().length).toBe(64);
    const [oldest] = fakes;
    if (oldest === undefined) throw new Error("no fakes");
    expect(bench.changes(oldest)).toEqual(["online", "offline"]);
    // One more of the same kind is refused, unverified.
    const { verifications } = bench;
    bench.receive(oldest.beacon(), "10.9.9.9");
    expect(bench.verifications).toBe(verifications);
    expect(bench.count("peersRefused")).toBe(1);
  });

  it("is not lost when another device answers from its address", () => {
    const bench = new DiscoveryBench({ announce: true });
    const [mallory, honest] = [new FakePeer(2), new FakePeer(1)];
    for (const lived of [3, 4, 5, 6, 7, 8]) bench.heard(new FakePeer(lived)); // delays challenges
    for (const peer of [mallory, honest]) bench.receive(peer.beacon(), honest.address);
    bench.receive(mallory.answer(bench.query()), honest.address);
    expect(bench.challengeTo(honest.address)).toBeDefined();
  });

  it("is not taken by one host that answers, or has sessions, from invented addresses", () => {
    const bench = new DiscoveryBench({ announce: true, limits: { peers: 64 } });
    const fakes = Array.from({ length: 200 }, (_, i) => new FakePeer(10_000 + i));
    const nonce = bench.query();
    for (const [i, fake] of fakes.entries()) {
      if (i % 2 === 0) bench.receive(fake.answer(nonce), `10.8.0.${i}`);
      else bench.heard(fake, `10.8.0.${i}`);
    }
    expect(onlineCount(bench)).toBe(32);
    // Its own address brings it the other half; seeming to move from there helps it nothing.
    for (const [i, fake] of fakes.slice(64, 96).entries()) {
      fake.dataPort = 10_000 + i;
      prove(bench, fake, "10.9.9.9");
      bench.heard(fake, `10.7.0.${i}`);
    }
    expect(onlineCount(bench)).toBe(64);
    const honest = new FakePeer(1);
    prove(bench, honest);
    expect(bench.changes(honest)).toEqual(["online"]);
  });

  it("is taken from whoever holds most, when that is more than the newcomer's address would", () => {
    const bench = new DiscoveryBench({ limits: { peers: 5 } });
    const peers = Array.from({ length: 9 }, (_, i) => new FakePeer(i + 1));
    const [a, b, c, d, e, f, g] = peers;
    if (!a || !b || !c || !d || !e || !f || !g) throw new Error("no peers");
    for (const peer of [a, b]) prove(bench, peer, "10.0.0.1");
    for (const peer of [c, d]) prove(bench, peer, "10.0.0.2");
    prove(bench, e, "10.0.0.3");
    bench.receive(f.beacon(), "10.0.0.3"); // would hold two, as the others do
    expect(bench.count("peersRefused")).toBe(1);
    prove(bench, f, "10.0.0.4");
    expect(bench.changes(a)).toEqual(["online", "offline"]);
    bench.heard(d, "10.0.0.1"); // seems to move, and still counts at .2
    prove(bench, g, "10.0.0.5");
    expect(bench.changes(c)).toEqual(["online", "offline"]);
    bench.receive(a.beacon(), "10.0.0.6"); // one each: nobody gives way
    expect(bench.count("peersRefused")).toBe(2);
    expect(bench.discovery.peers().length).toBe(5);
  });

  it("is taken first from those that are offline, the longest first", () => {
    const bench = new DiscoveryBench({ limits: { peers: 3 } });
    const [longest, later, living, newcomer] = [1, 2, 3, 4].map((number) => new FakePeer(number));
    if (!longest || !later || !living || !newcomer) throw new Error("no peers");
    for (const peer of [longest, later, living]) bench.meet(peer);
    bench.receive(longest.leave(), longest.address);
    bench.runUntil(1_000);
    bench.receive(later.leave(), later.address);
    bench.meet(newcomer);
    const devices = bench.discovery.peers().map(({ id }) => id);
    expect(devices.toSorted()).toEqual(
      [later, living, newcomer].map(({ device }) => device).toSorted(),
    );
  });
});
