import { describe, expect, it } from "vitest";
import { DiscoveryBench, FakePeer } from "./discoveryBench.js";

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

  it("is there after 4,096 devices of one address that all answered", () => {
    const bench = new DiscoveryBench();
    const fakes = Array.from({ length: FULL }, (_, i) => new FakePeer(10_000 + i));
    for (const fake of fakes) bench.heard(fake, "10.9.9.9");
    expect(onlineCount(bench)).toBe(FULL);
    const honest = new FakePeer(1);
    bench.receive(honest.beacon(), honest.address);
    bench.receive(honest.answer(bench.query()), honest.address);
    expect(bench.changes(honest)).toEqual(["online"]);
    expect(bench.discovery.peers().length).toBe(FULL);
    const [oldest] = fakes;
    if (oldest === undefined) throw new Error("no fakes");
    expect(bench.changes(oldest)).toEqual(["online", "offline"]);
    // One more of the same kind is refused, unverified.
    const { verifications } = bench;
    bench.receive(oldest.beacon(), "10.9.9.9");
    expect(bench.verifications).toBe(verifications);
    expect(bench.count("peersRefused")).toBe(1);
  });

  it("is taken from whoever holds most, when that is more than the newcomer's address would", () => {
    const bench = new DiscoveryBench({ limits: { peers: 5 } });
    const peers = Array.from({ length: 9 }, (_, i) => new FakePeer(i + 1));
    const [a, b, c, d, e, f, g] = peers;
    if (!a || !b || !c || !d || !e || !f || !g) throw new Error("no peers");
    for (const peer of [a, b]) bench.heard(peer, "10.0.0.1");
    for (const peer of [c, d]) bench.heard(peer, "10.0.0.2");
    bench.heard(e, "10.0.0.3");
    bench.heard(f, "10.0.0.3"); // would hold two, as the others do
    expect(bench.changes(f)).toEqual([]);
    bench.heard(f, "10.0.0.4");
    expect(bench.changes(a)).toEqual(["online", "offline"]);
    bench.heard(d, "10.0.0.1"); // moves: now two at .1 again, one at .2
    bench.heard(g, "10.0.0.5");
    expect(bench.changes(b)).toEqual(["online", "offline"]);
    expect(bench.discovery.peers().map(({ id }) => id)).not.toContain(b.device);
    bench.heard(a, "10.0.0.6"); // one each: nobody gives way
    expect(bench.discovery.peers().map(({ id }) => id)).not.toContain(a.device);
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
