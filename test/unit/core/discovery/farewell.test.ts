import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { DiscoveryBench, FakePeer, forged } from "./discoveryBench.js";

const ATTACKER = "10.6.6.6";

describe("who left", () => {
  it("says three times goodbye and nothing else, whatever it is told, and changes nothing", () => {
    const bench = new DiscoveryBench({ announce: true });
    const peer = new FakePeer(1);
    bench.runUntil(5_000);
    bench.meet(peer);
    const { discovery } = bench;
    const before = { sent: bench.transmits.length, events: bench.events.length };
    bench.leave();
    const at = { address: "10.0.3.3", port: 22400 };
    expect(bench.query()).toHaveLength(16);
    discovery.groupsChanged(bench.nowMs);
    discovery.interfacesChanged(bench.nowMs);
    discovery.challenge(bench.nowMs, at);
    discovery.confirm(bench.nowMs, new FakePeer(2), at);
    bench.compensate(60_000);
    bench.heard(new FakePeer(3));
    bench.receive(new FakePeer(4).beacon(), "10.0.0.4");
    bench.leave();
    bench.runUntil(600_000);
    const types = bench.transmits.slice(before.sent).map(({ bytes }) => bytes[2]);
    expect(types).toEqual([DatagramType.leave, DatagramType.leave, DatagramType.leave]);
    expect(bench.events.length).toBe(before.events);
  });
});

describe("a goodbye", () => {
  it("of our own key is not for us: the process that says it is another one, or a replay", () => {
    const bench = new DiscoveryBench({ announce: true });
    const ours = new FakePeer(1_000_001);
    const { verifications } = bench;
    bench.receive(ours.leave(), ATTACKER);
    expect(bench.verifications).toBe(verifications);
    expect(bench.count("datagramsOwn")).toBe(1);
  });

  it("of somebody who only claimed to be there makes us forget the claim, if it is genuine", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    const early = peer.leave();
    bench.receive(peer.beacon(), peer.address);
    bench.receive(early, peer.address); // from before the beacon
    bench.receive(forged(peer.leave()), peer.address);
    expect(bench.discovery.peers()).toMatchObject([{ id: peer.device, state: "suspect" }]);
    bench.receive(peer.leave(), peer.address);
    expect(bench.discovery.peers()).toEqual([]);
    expect(bench.events).toEqual([]);
  });
});
