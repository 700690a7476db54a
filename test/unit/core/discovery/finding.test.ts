import { describe, expect, it } from "vitest";
import type { PeerSearch, PeerView } from "../../../../src/core/io.js";
import { oneOf, SeededRandom } from "../../../support/seededRandom.js";
import { DiscoveryBench, FakePeer } from "./discoveryBench.js";

const SEEDS = [1, 2, 3, 4, 5, 6];
const STEPS = 150;
const NAMES = ["alice", "Alice", "bob", "carol", "Straße"];
const HOSTS = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.9.0.1", "127.0.0.1"];

/** By looking at everybody: what `findPeers` must be equal to. */
function filtered(peers: readonly PeerView[], search: PeerSearch): PeerView[] {
  const names = search.names?.map((name) => name.toLowerCase()) ?? [];
  return peers.filter(
    ({ id, name, addresses }) =>
      names.includes(name.toLowerCase()) ||
      (search.idPrefix !== undefined && id.startsWith(search.idPrefix)) ||
      addresses.some(({ address }) => address === search.host),
  );
}

function byId(peers: readonly PeerView[]): PeerView[] {
  return peers.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

describe("finding peers", () => {
  it.each(SEEDS)("finds whom a look at everybody finds, whatever happened (seed %i)", (seed) => {
    const random = new SeededRandom(seed);
    // Few places: entries and candidates have to give way.
    const bench = new DiscoveryBench({ seed, limits: { peers: 6, addressesPerPeer: 2 } });
    const peers = Array.from({ length: 9 }, (_, i) => new FakePeer(i + 1));
    const found = { byName: 0, byId: 0, byHost: 0 };
    const steps: readonly ((peer: FakePeer, address: string) => void)[] = [
      (peer, address) => {
        const beacon = peer.beacon();
        bench.receive(beacon, address);
        bench.receive(beacon, oneOf(random, HOSTS));
      },
      (peer, address) => bench.receive(peer.beacon({ name: oneOf(random, NAMES) }), address),
      (peer, address) => {
        Object.assign(peer, { name: oneOf(random, NAMES), address });
        const nonce = bench.query();
        bench.receive(peer.answer(nonce), address);
      },
      (peer, address) => bench.heard(peer, address),
      (peer, address) => bench.receive(peer.leave(), address),
      (peer) => peer.restart(1_600_000_000_000 + bench.nowMs, "0".repeat(15) + (seed % 9)),
      (peer) => bench.discovery.blocked(bench.nowMs, peer.device),
      () => bench.runUntil(bench.nowMs + oneOf(random, [10, 3_000, 70_000])),
    ];
    for (let step = 0; step < STEPS; step += 1) {
      oneOf(random, steps)(oneOf(random, peers), oneOf(random, HOSTS));
      const all = bench.discovery.peers();
      const expectFound = (search: PeerSearch): number => {
        const wanted = byId(filtered(all, search));
        expect(byId(bench.discovery.findPeers(search)), `step ${step}`).toEqual(wanted);
        return wanted.length;
      };
      for (const name of NAMES) found.byName += expectFound({ names: [name] });
      for (const host of HOSTS) found.byHost += expectFound({ host });
      for (const { device } of peers) {
        const listed = all.find(({ id }) => id === device);
        expect(bench.discovery.peer(device), `step ${step}`).toEqual(listed);
        found.byId += expectFound({ idPrefix: device.slice(0, 5) });
        expectFound({ names: ["bob", "carol"], idPrefix: device, host: oneOf(random, HOSTS) });
      }
      for (const host of HOSTS) {
        const isThere = filtered(all, { host }).some(
          ({ id, state }) => state !== "offline" && bench.discovery.addressOf(id) !== undefined,
        );
        expect(bench.discovery.isSeenAt(host), `step ${step}`).toBe(isThere);
      }
    }
    expect(Math.min(...Object.values(found))).toBeGreaterThan(STEPS / 2);
  });

  it("finds nobody by the name that somebody had before, nor where somebody was long ago", () => {
    const bench = new DiscoveryBench({ limits: { addressesPerPeer: 2 } });
    const peer = new FakePeer(1, { name: "alice" });
    bench.meet(peer, "10.0.0.1");
    bench.receive(peer.beacon({ name: "bob" }), "10.0.0.1");
    expect(bench.discovery.findPeers({ names: ["alice"] })).toEqual([]);
    expect(bench.discovery.findPeers({ names: ["BOB"] })).toHaveLength(1);
    for (const address of ["10.0.0.2", "10.0.0.3"]) bench.receive(peer.beacon(), address);
    expect(bench.discovery.findPeers({ host: "10.0.0.2" })).toEqual([]);
    expect(bench.discovery.findPeers({ host: "10.0.0.3" })).toHaveLength(1);
  });
});
