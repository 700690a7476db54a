import { describe, expect, it } from "vitest";
import { DiscoveryBench, FakePeer, forged } from "./discoveryBench.js";

describe("roster", () => {
  it("verifies a beacon that came through two interfaces once, and keeps one entry", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    const beacon = peer.beacon();
    bench.receive(beacon, "10.0.0.1");
    bench.receive(beacon, "10.9.0.1");
    bench.receive(beacon, "10.0.0.1");
    expect(bench.verifications).toBe(1);
    expect(bench.changes(peer)).toEqual(["online"]);
    expect(bench.discovery.peers()).toMatchObject([
      {
        id: peer.device,
        address: "10.0.0.1",
        addresses: [{ address: "10.0.0.1" }, { address: "10.9.0.1" }],
      },
    ]);
  });

  it("does not flap between two addresses that are both heard", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    for (let i = 0; i < 10; i += 1) {
      bench.runUntil(i * 10_000);
      const beacon = peer.beacon();
      const addresses = ["10.0.0.1", "10.9.0.1"];
      for (const address of i % 2 === 0 ? addresses : addresses.toReversed()) {
        bench.receive(beacon, address);
      }
    }
    expect(bench.changes(peer)).toEqual(["online"]);
  });

  it("prefers loopback", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    const beacon = peer.beacon();
    bench.receive(beacon, "10.0.0.1");
    bench.receive(beacon, "127.0.0.1");
    bench.receive(beacon, "10.9.0.1");
    expect(bench.discovery.addressOf(peer.device)?.address).toBe("127.0.0.1");
    expect(bench.changes(peer)).toEqual(["online", "updated"]);
  });

  it("follows a changed address once the old one has been silent for an interval", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.receive(peer.beacon(), "10.0.0.1");
    bench.runUntil(10_000);
    bench.receive(peer.beacon(), "10.0.0.2");
    expect(bench.discovery.addressOf(peer.device)?.address).toBe("10.0.0.1");
    bench.runUntil(20_000);
    bench.receive(peer.beacon(), "10.0.0.2");
    expect(bench.discovery.addressOf(peer.device)?.address).toBe("10.0.0.2");
    expect(bench.changes(peer)).toEqual(["online", "updated"]);
  });

  it("follows a move after two beacons that missed the old address, recent sessions included", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.receive(peer.beacon(), "10.0.0.1");
    bench.heard(peer, "10.0.0.1", 4);
    bench.runUntil(2_000);
    bench.receive(peer.beacon(), "10.0.0.2");
    expect(bench.discovery.addressOf(peer.device)?.address).toBe("10.0.0.1");
    bench.runUntil(3_000);
    bench.receive(peer.beacon(), "10.0.0.2");
    expect(bench.discovery.addressOf(peer.device)?.address).toBe("10.0.0.2");
  });

  it("follows a session at once, and a beacon from elsewhere does not pull it back", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.receive(peer.beacon(), "10.0.0.1");
    bench.heard(peer, "10.0.0.2", 4);
    expect(bench.discovery.addressOf(peer.device)?.address).toBe("10.0.0.2");
    bench.receive(peer.beacon(), "127.0.0.1");
    expect(bench.discovery.addressOf(peer.device)?.address).toBe("10.0.0.2");
    bench.heard(peer, "10.0.0.2", 12);
    expect(bench.discovery.peers()[0]?.rttMs).toBe(5); // 7/8 x 4 + 1/8 x 12
  });

  it("has no place for whoever only passes by, but follows it if it is known", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.heard(peer, "10.0.0.2", 4, false);
    expect(bench.discovery.peers()).toEqual([]);
    expect(bench.events).toEqual([]);
    bench.receive(peer.beacon(), "10.0.0.1");
    bench.heard(peer, "10.0.0.2", 4, false);
    expect(bench.discovery.addressOf(peer.device)?.address).toBe("10.0.0.2");
  });

  it("bounds the addresses of a peer and never drops the best", () => {
    const bench = new DiscoveryBench({ limits: { addressesPerPeer: 3 } });
    const peer = new FakePeer(1);
    const beacon = peer.beacon();
    for (let i = 1; i <= 50; i += 1) bench.receive(beacon, `10.0.0.${i}`);
    const [view] = bench.discovery.peers();
    expect(view?.addresses.length).toBe(3);
    expect(view?.address).toBe("10.0.0.1");
    expect(view?.addresses.some(({ address }) => address === "10.0.0.50")).toBe(true);
  });

  it("takes two keys with one nickname for two peers", () => {
    const bench = new DiscoveryBench();
    for (const number of [1, 2]) {
      const peer = new FakePeer(number, { name: "alice" });
      bench.receive(peer.beacon(), peer.address);
    }
    expect(bench.discovery.peers().map(({ name }) => name)).toEqual(["alice", "alice"]);
  });

  it("tells of a new name and port", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.receive(peer.beacon(), peer.address);
    peer.name = "renamed";
    bench.receive(peer.beacon(), peer.address);
    peer.dataPort = 9;
    bench.receive(peer.beacon(), peer.address);
    bench.receive(peer.beacon(), peer.address);
    expect(bench.changes(peer)).toEqual(["online", "updated", "updated"]);
    expect(bench.discovery.peers()).toMatchObject([{ name: "renamed", port: 9 }]);
  });

  it("drops forged, stale and replayed beacons, the last two unverified", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    const old = peer.beacon();
    const current = peer.beacon();
    bench.receive(forged(current), peer.address);
    expect(bench.discovery.peers()).toEqual([]);
    bench.receive(current, peer.address);
    const { verifications } = bench;
    bench.receive(old, "10.6.6.6");
    bench.receive(forged(current), "10.6.6.6");
    expect(bench.verifications).toBe(verifications);
    expect(bench.count("datagramsForged")).toBe(1);
    expect(bench.count("beaconsStale")).toBe(2);
    expect(bench.discovery.peers()[0]?.addresses.length).toBe(1);
  });

  it("takes a restarted device for the same peer", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.receive(peer.beacon(), peer.address);
    bench.receive(peer.beacon(), peer.address);
    peer.restart(peer.startedAtMs + 1, "0000000000000002");
    peer.dataPort = 7777;
    bench.receive(peer.beacon(), peer.address);
    expect(bench.discovery.peers()).toMatchObject([
      { incarnation: "0000000000000002", port: 7777, state: "online" },
    ]);
    expect(bench.eventsOf("duplicateKey")).toEqual([]);
  });

  it("reports a key that is live twice once, and lets the later start have the entry", () => {
    const bench = new DiscoveryBench();
    const first = new FakePeer(1);
    const clone = new FakePeer(1, { address: "10.0.7.7" });
    clone.restart(first.startedAtMs + 5, "0000000000000002");
    for (let i = 0; i < 5; i += 1) {
      bench.runUntil(i * 10_000);
      bench.receive(first.beacon(), first.address);
      bench.receive(clone.beacon(), clone.address);
    }
    expect(bench.eventsOf("duplicateKey").map(({ peer }) => peer.address)).toEqual([first.address]);
    expect(bench.discovery.peers()).toMatchObject([{ incarnation: clone.incarnation }]);
    expect(bench.changes(first)).toEqual(["online", "updated"]);
  });

  it("accepts a restart with the clock set back once the former incarnation is silent", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.receive(peer.beacon(), peer.address);
    peer.restart(5, "0000000000000002");
    bench.runUntil(13_000);
    bench.receive(peer.beacon(), peer.address);
    expect(bench.discovery.peers()).toMatchObject([{ incarnation: "0000000000000002" }]);
    expect(bench.eventsOf("duplicateKey")).toEqual([]);
  });

  it("drops our own beacon and reports another process with our key once", () => {
    const bench = new DiscoveryBench({ announce: true });
    const twin = new FakePeer(1_000_001);
    expect(twin.device).toBe(bench.context.identity.device);
    twin.incarnation = bench.context.incarnation;
    bench.receive(twin.beacon(), "10.0.0.9");
    expect(bench.eventsOf("duplicateKey")).toEqual([]);
    twin.incarnation = "00000000000000cc";
    bench.receive(forged(twin.beacon()), "10.0.0.9");
    expect(bench.eventsOf("duplicateKey")).toEqual([]);
    bench.receive(twin.beacon(), "10.0.0.9");
    bench.receive(twin.beacon(), "10.0.0.9");
    expect(bench.eventsOf("duplicateKey").length).toBe(1);
    expect(bench.count("datagramsOwn")).toBe(4);
    expect(bench.discovery.peers()).toEqual([]);
  });

  it("has a newcomer take the place of who was heard only once, the longest unheard first", () => {
    const bench = new DiscoveryBench({ limits: { peers: 5 } });
    const [once, twice, answering, talking, onceLater, newcomer, second] = Array.from(
      { length: 7 },
      (_, i) => new FakePeer(i + 1),
    );
    if (once === undefined || twice === undefined || answering === undefined) throw new Error();
    if (talking === undefined || onceLater === undefined) throw new Error();
    if (newcomer === undefined || second === undefined) throw new Error();
    const onceBeacon = once.beacon();
    for (const peer of [twice, answering, talking, onceLater]) {
      if (peer === onceLater) bench.receive(onceBeacon, once.address);
      bench.receive(peer.beacon(), peer.address);
    }
    bench.receive(twice.beacon(), twice.address);
    bench.receive(answering.answer(bench.query()), answering.address);
    bench.heard(talking);
    bench.receive(onceBeacon, "10.6.6.6"); // the same once more proves nothing
    const before = bench.transmits.length;
    bench.receive(forged(newcomer.beacon()), newcomer.address);
    expect(bench.changes(once)).toEqual(["online"]);
    bench.receive(newcomer.beacon(), newcomer.address);
    bench.receive(newcomer.beacon(), newcomer.address);
    expect(bench.changes(once)).toEqual(["online", "offline"]);
    bench.heard(second);
    expect(bench.changes(onceLater)).toEqual(["online", "offline"]);
    const devices = bench.discovery.peers().map(({ id }) => id);
    const staying = [twice, answering, talking, newcomer, second];
    expect(devices.toSorted()).toEqual(staying.map(({ device }) => device).toSorted());
    // Everybody is known by now: the next one has to wait.
    const late = new FakePeer(8);
    bench.receive(late.beacon(), late.address);
    expect(bench.changes(late)).toEqual([]);
    expect(bench.count("peersRefused")).toBe(1);
    expect(bench.transmits.length).toBe(before);
  });

  it("refuses newcomers unverified when full of live peers, and evicts the longest offline", () => {
    const bench = new DiscoveryBench();
    const peers = Array.from({ length: 4096 }, (_, i) => new FakePeer(i + 1));
    for (const peer of peers) {
      bench.receive(peer.beacon(), peer.address);
      bench.receive(peer.beacon(), peer.address);
    }
    expect(bench.discovery.peers().length).toBe(4096);
    const { verifications } = bench;
    const newcomer = new FakePeer(5000);
    bench.receive(newcomer.beacon(), newcomer.address);
    bench.heard(newcomer);
    expect(bench.discovery.addressOf(newcomer.device)).toBeUndefined();
    expect(bench.verifications).toBe(verifications);
    expect(bench.count("peersRefused")).toBe(1);
    const [longest, later] = [peers[17], peers[3]];
    if (longest === undefined || later === undefined) throw new Error("no peers");
    bench.receive(longest.leave(), longest.address);
    bench.runUntil(10);
    bench.receive(later.leave(), later.address);
    bench.receive(newcomer.beacon(), newcomer.address);
    expect(bench.discovery.addressOf(newcomer.device)).toBeDefined();
    expect(bench.discovery.addressOf(longest.device)).toBeUndefined();
    expect(bench.discovery.addressOf(later.device)).toBeDefined();
    expect(bench.discovery.peers().length).toBe(4096);
  });
});
