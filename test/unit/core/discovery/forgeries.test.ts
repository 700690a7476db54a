import { describe, expect, it } from "vitest";
import { DatagramType } from "../../../../src/wire/constants.js";
import { decodeQuery } from "../../../../src/wire/presence.js";
import { DiscoveryBench, FakePeer, forged } from "./discoveryBench.js";

const ATTACKER = "10.6.6.6";

describe("a forgery in the name of a peer", () => {
  it("that is in the roster, as its next beacon, changes nothing and is no sign of life", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.meet(peer);
    bench.runUntil(40_000);
    const before = bench.discovery.peers();
    bench.receive(forged(peer.beacon({ name: "mallory" })), ATTACKER);
    expect(bench.count("datagramsForged")).toBe(1);
    expect(bench.discovery.peers()).toEqual(before);
    bench.runUntil(48_000);
    expect(bench.discovery.peers()).toMatchObject([{ state: "offline" }]);
  });

  it("as its answer to a question to it alone proves nothing", () => {
    const bench = new DiscoveryBench();
    const peer = new FakePeer(1);
    bench.receive(peer.beacon(), peer.address);
    const nonce = bench.challengeTo(peer.address) ?? "";
    bench.receive(forged(peer.answer(nonce)), peer.address);
    expect(bench.count("datagramsForged")).toBe(1);
    expect(bench.discovery.peers()).toMatchObject([{ state: "suspect" }]);
    bench.receive(peer.answer(nonce), peer.address);
    expect(bench.discovery.peers()).toMatchObject([{ state: "online" }]);
  });
});

describe("challenges", () => {
  it("wait in bounded number, whatever addresses are named", () => {
    const bench = new DiscoveryBench({ limits: { peers: 4 } });
    for (let i = 1; i <= 100; i += 1) {
      bench.discovery.challenge(0, { address: `10.7.0.${i}`, port: 22400 });
    }
    bench.runUntil(10_000);
    const asked = bench
      .sent(DatagramType.query)
      .filter(({ bytes }) => decodeQuery(bytes).direct)
      .map(({ destination }) => destination.kind === "unicast" && destination.to.address);
    expect(new Set(asked).size).toBe(4);
  });
});

describe("two starts of one device", () => {
  it("are no duplicate if the one showed itself some time before the other", () => {
    const bench = new DiscoveryBench();
    const present = new FakePeer(1);
    const former = new FakePeer(1, { address: "10.0.7.7" });
    former.restart(present.startedAtMs - 5, "00000000000000dd");
    bench.meet(present);
    bench.meet(former);
    bench.runUntil(bench.nowMs + 6_000);
    bench.receive(present.answer(bench.query()), present.address);
    expect(bench.discovery.peers()).toMatchObject([{ incarnation: present.incarnation }]);
    expect(bench.eventsOf("duplicateKey")).toEqual([]);
  });
});
