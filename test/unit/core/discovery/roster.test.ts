import { describe, expect, it } from "vitest";
import { DiscoveryBench, FakePeer, forged } from "./discoveryBench.js";

describe("roster", () => {
  it("verifies a beacon that came through two interfaces once, and keeps one entry", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    const beacon = bench.meet(peer, "10.0.0.1");
    expect(bench.verifications).toBe(2); // of the beacon, and of the answer
    bench.receive(beacon, "10.9.0.1");
    bench.receive(beacon, "10.0.0.1");
    expect(bench.verifications).toBe(2);
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
    bench.meet(peer, "10.0.0.1");
    for (let i = 1; i < 10; i += 1) {
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
    const beacon = bench.meet(peer, "10.0.0.1");
    bench.receive(beacon, "127.0.0.1");
    bench.receive(beacon, "10.9.0.1");
    bench.receive(peer.answer(bench.challengeTo("127.0.0.1") ?? ""), "127.0.0.1");
    expect(bench.discovery.addressOf(peer.device)?.address).toBe("127.0.0.1");
    expect(bench.changes(peer)).toEqual(["online", "updated"]);
  });

  it("follows a changed address once the old one has been silent for an interval", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.meet(peer, "10.0.0.1");
    bench.runUntil(10_000);
    bench.receive(peer.beacon(), "10.0.0.2");
    expect(bench.discovery.addressOf(peer.device)?.address).toBe("10.0.0.1");
    bench.runUntil(20_000);
    bench.receive(peer.beacon(), "10.0.0.2");
    bench.receive(peer.answer(bench.challengeTo("10.0.0.2") ?? ""), "10.0.0.2");
    expect(bench.discovery.addressOf(peer.device)?.address).toBe("10.0.0.2");
    expect(bench.changes(peer)).toEqual(["online", "updated"]);
  });

  it("follows a move after two beacons that missed the old address, recent sessions included", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.meet(peer, "10.0.0.1");
    bench.heard(peer, "10.0.0.1", 4);
    bench.runUntil(2_000);
    bench.receive(peer.beacon(), "10.0.0.2");
    expect(bench.discovery.addressOf(peer.device)?.address).toBe("10.0.0.1");
    bench.runUntil(3_000);
    bench.receive(peer.beacon(), "10.0.0.2");
    bench.receive(peer.answer(bench.challengeTo("10.0.0.2") ?? ""), "10.0.0.2");
    expect(bench.discovery.addressOf(peer.device)?.address).toBe("10.0.0.2");
  });

  it("follows a session at once, and a beacon from elsewhere does not pull it back", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.meet(peer, "10.0.0.1");
    bench.heard(peer, "10.0.0.2", 4);
    expect(bench.discovery.addressOf(peer.device)?.address).toBe("10.0.0.2");
    bench.receive(peer.beacon(), "127.0.0.1");
    expect(bench.challengeTo("127.0.0.1")).toBeUndefined();
    expect(bench.discovery.addressOf(peer.device)?.address).toBe("10.0.0.2");
    bench.heard(peer, "10.0.0.2", 12);
    expect(bench.discovery.peers()[0]?.rttMs).toBe(1.9375); // 7/8 x (7/8 x 0 + 1/8 x 4) + 1/8 x 12
  });

  it("has no place for whoever only passes by, but follows it if it is known", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.heard(peer, "10.0.0.2", 4, false);
    expect(bench.discovery.peers()).toEqual([]);
    expect(bench.events).toEqual([]);
    bench.meet(peer, "10.0.0.1");
    bench.heard(peer, "10.0.0.2", 4, false);
    expect(bench.discovery.addressOf(peer.device)?.address).toBe("10.0.0.2");
  });

  it("bounds the addresses of a peer and never drops the best", () => {
    const bench = new DiscoveryBench({ limits: { addressesPerPeer: 3 } });
    const peer = new FakePeer(1);
    const beacon = bench.meet(peer, "10.0.0.1");
    for (let i = 2; i <= 50; i += 1) bench.receive(beacon, `10.0.0.${i}`);
    const [view] = bench.discovery.peers();
    expect(view?.addresses.length).toBe(3);
    expect(view?.address).toBe("10.0.0.1");
    expect(view?.addresses.some(({ address }) => address === "10.0.0.50")).toBe(true);
  });

  it("takes two keys with one nickname for two peers", () => {
    const bench = new DiscoveryBench();
    for (const number of [1, 2]) {
      const peer = new FakePeer(number, { name: "alice" });
      bench.meet(peer);
    }
    expect(bench.discovery.peers().map(({ name }) => name)).toEqual(["alice", "alice"]);
  });

  it("tells of a new name and port", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.meet(peer);
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
    bench.meet(peer, peer.address, current);
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
    bench.meet(peer);
    bench.receive(peer.beacon(), peer.address);
    peer.restart(peer.startedAtMs + 1, "0000000000000002");
    peer.dataPort = 7777;
    bench.meet(peer);
    expect(bench.restarted).toEqual([peer.device]);
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
    bench.meet(first);
    bench.meet(clone);
    for (let i = 1; i < 5; i += 1) {
      bench.runUntil(i * 10_000);
      bench.receive(clone.beacon(), clone.address);
      bench.receive(first.beacon(), first.address);
      const toFirst = bench.challengeTo(first.address);
      if (toFirst === undefined) continue;
      bench.receive(first.answer(toFirst), first.address);
      // The one in the roster must show that it is running, too.
      expect(bench.eventsOf("duplicateKey")).toEqual([]);
      bench.receive(clone.answer(bench.challengeTo(clone.address) ?? ""), clone.address);
      expect(bench.eventsOf("duplicateKey").length).toBe(1);
    }
    expect(bench.eventsOf("duplicateKey").map(({ peer }) => peer.address)).toEqual([first.address]);
    expect(bench.discovery.peers()).toMatchObject([{ incarnation: clone.incarnation }]);
    expect(bench.changes(first)).toEqual(["online", "updated"]);
  });

  it("accepts a restart with the clock set back once the former incarnation is silent", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.meet(peer);
    peer.restart(5, "0000000000000002");
    bench.runUntil(13_000);
    bench.meet(peer);
    expect(bench.discovery.peers()).toMatchObject([{ incarnation: "0000000000000002" }]);
    expect(bench.eventsOf("duplicateKey")).toEqual([]);
  });

  it("drops our own beacon and reports another process with our key once it has shown itself", () => {
    const bench = new DiscoveryBench({ announce: true });
    const twin = new FakePeer(1_000_001);
    expect(twin.device).toBe(bench.context.identity.device);
    twin.incarnation = bench.context.incarnation;
    bench.receive(twin.beacon(), "10.0.0.9");
    twin.incarnation = "00000000000000cc";
    bench.receive(forged(twin.beacon()), "10.0.0.9");
    expect(bench.challengeTo("10.0.0.9")).toBeUndefined();
    bench.receive(twin.beacon(), "10.0.0.9");
    const nonce = bench.challengeTo("10.0.0.9") ?? "";
    expect(bench.eventsOf("duplicateKey")).toEqual([]);
    bench.receive(twin.answer(nonce, 0, twin.beacon(), false), "10.0.0.9"); // a one-shot may
    expect(bench.eventsOf("duplicateKey")).toEqual([]);
    bench.receive(twin.answer(nonce), "10.0.0.9");
    expect(bench.eventsOf("duplicateKey").length).toBe(1);
    const { verifications } = bench;
    bench.receive(twin.beacon(), "10.0.0.9");
    expect(bench.verifications).toBe(verifications);
    expect(bench.eventsOf("duplicateKey").length).toBe(1);
    expect(bench.discovery.peers()).toEqual([]);
  });
});
