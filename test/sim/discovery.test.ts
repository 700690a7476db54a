import { describe, expect, it } from "vitest";
import { DatagramType } from "../../src/wire/constants.js";
import { SimNetwork, type SimNode } from "../support/simNetwork.js";

const NODES = 8;
const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);
/** Version 1: a beacon with the longest name, and the headers of UDP, IPv4 and Ethernet. */
const BEACON_ON_WIRE_BYTES = 246;
/** The interval is 10 s times U(0.75, 1.25). */
const SHORTEST_INTERVAL_MS = 7_500;

function lanOf(seed: number, lossPercent: number): { network: SimNetwork; nodes: SimNode[] } {
  const network = new SimNetwork(seed, { lossPercent });
  const nodes = Array.from({ length: NODES }, (_, i) => network.addNode(`node ${i}`));
  return { network, nodes };
}

/** How many of the others a node has online, once each. */
function onlineKnown(node: SimNode): number {
  const online = node.core.peers().filter((peer) => peer.state === "online");
  return new Set(online.map((peer) => peer.id)).size;
}

describe("eight nodes that start together", () => {
  it("have found one another, with round-trip times, 1 s after a query", () => {
    for (const seed of SEEDS) {
      const { network, nodes } = lanOf(seed, 0);
      for (const node of nodes) node.query();
      network.run(1_000);
      for (const node of nodes) {
        const peers = node.core.peers();
        expect(peers, `seed ${seed}`).toHaveLength(NODES - 1);
        for (const peer of peers) {
          expect(peer.state, `seed ${seed}`).toBe("online");
          // 0.1 to 0.5 ms each way.
          expect(peer.rttMs, `seed ${seed}`).toBeGreaterThan(0.1);
          expect(peer.rttMs, `seed ${seed}`).toBeLessThan(1.1);
        }
      }
    }
  });

  it("tell of every answer to a query", () => {
    for (const seed of SEEDS) {
      const { network, nodes } = lanOf(seed, 0);
      network.run(3_000);
      const [asker] = nodes;
      const nonce = asker?.query();
      network.run(1_000);
      const answers = asker?.ofKind("answer").filter((event) => event.nonce === nonce) ?? [];
      expect(new Set(answers.map((event) => event.peer.id)).size, `seed ${seed}`).toBe(NODES - 1);
      expect(answers, `seed ${seed}`).toHaveLength(NODES - 1);
    }
  });

  it("have found 99 of 100 at 30 % loss after 3 s, and all with the next beacons", () => {
    let found = 0;
    for (const seed of SEEDS) {
      const { network, nodes } = lanOf(seed, 30);
      for (const node of nodes) node.query();
      network.run(1_500);
      for (const node of nodes) node.query();
      network.run(1_500);
      found += nodes.reduce((sum, node) => sum + onlineKnown(node), 0);
      const complete = (): boolean => nodes.every((node) => onlineKnown(node) === NODES - 1);
      expect(network.runUntil(complete, 30_000), `seed ${seed}`).toBe(true);
    }
    expect(found).toBeGreaterThanOrEqual(0.99 * SEEDS.length * NODES * (NODES - 1));
  });
});

describe("a hundred nodes that power up together", () => {
  it("see one another within 6 s, for one answer per pair and few questions", () => {
    const count = 100;
    const network = new SimNetwork(1);
    const nodes = Array.from({ length: count }, (_, i) => network.addNode(`node ${i}`));
    const complete = (): boolean => nodes.every((node) => onlineKnown(node) === count - 1);
    network.run(4_000);
    expect(network.runUntil(complete, 2_000)).toBe(true);
    const types = sentTypes(network.trace);
    const pairs = count * (count - 1);
    const countOf = (wanted: number): number => types.filter((type) => type === wanted).length;
    // Each asks everybody when it starts: most have answered before their challenge is due.
    expect(countOf(DatagramType.query)).toBeLessThan(pairs / 2);
    expect(countOf(DatagramType.answer)).toBeGreaterThanOrEqual(pairs);
    expect(countOf(DatagramType.answer)).toBeLessThan(1.5 * pairs);
    expect(types.length).toBeLessThanOrEqual(2 * pairs + 4 * count);
    network.trace.length = 0;
    network.run(60_000);
    expect(new Set(sentTypes(network.trace))).toEqual(new Set<number>([DatagramType.beacon]));
    for (const node of nodes) expect(node.ofKind("peer")).toHaveLength(count - 1);
  });
});

describe("a newcomer", () => {
  it("is online everywhere some tens of milliseconds after its first beacon", () => {
    for (const seed of SEEDS) {
      const { network, nodes } = lanOf(seed, 0);
      network.run(5_000);
      const newcomer = network.addNode("newcomer");
      const spoke = (): boolean => newcomer.core.counters().beaconsSent > 0;
      expect(network.runUntil(spoke, 250), `seed ${seed}`).toBe(true);
      network.run(40); // 4 ms for each of seven peers, and the way there and back
      for (const node of nodes) expect(onlineKnown(node), `seed ${seed}`).toBe(NODES);
    }
  });
});

describe("a recording of a node that died", () => {
  it("brings it back nowhere, wherever it is played", () => {
    const network = new SimNetwork(1);
    const [victim, witness] = ["victim", "witness"].map((name) => network.addNode(name));
    if (victim === undefined || witness === undefined) return expect.unreachable();
    network.run(5_000);
    const recorded = network.trace.flatMap((line) => {
      const hex = / victim -> lan (f90101[0-9a-f]+)/.exec(line)?.[1];
      return hex === undefined ? [] : [Uint8Array.from(Buffer.from(hex, "hex"))];
    });
    expect(recorded.length).toBe(3);
    victim.crash();
    network.run(120_000);
    const newcomer = network.addNode("newcomer");
    const from = { address: "10.77.0.99", port: 22400 };
    for (const bytes of [...recorded, ...recorded]) {
      for (const node of [witness, newcomer]) {
        node.core.receive(network.nowMs, { bytes, from, onLink: true, via: "discovery" });
        network.pump(node);
      }
      network.run(5_000);
    }
    const stateAt = (node: SimNode): string | undefined =>
      node.core.peers().find((peer) => peer.id === victim.core.id)?.state;
    expect(stateAt(witness)).toBe("offline");
    expect(stateAt(newcomer)).toBe("suspect");
    network.run(60_000);
    expect(stateAt(newcomer)).toBeUndefined();
    const toldOf = newcomer.ofKind("peer").filter(({ peer }) => peer.id === victim.core.id);
    expect(toldOf).toEqual([]);
    return undefined;
  });
});

describe("a node that leaves", () => {
  it("is offline everywhere at once, and stays so", () => {
    for (const seed of SEEDS) {
      const { network, nodes } = lanOf(seed, 0);
      network.run(5_000);
      const [leaver, ...others] = nodes;
      leaver?.leave();
      network.run(1);
      const stateAt = (node: SimNode): string | undefined =>
        node.core.peers().find((peer) => peer.id === leaver?.core.id)?.state;
      expect(others.map(stateAt), `seed ${seed}`).toEqual(others.map(() => "offline"));
      network.run(30_000);
      expect(others.map(stateAt), `seed ${seed}`).toEqual(others.map(() => "offline"));
      expect(leaver?.ofKind("departed"), `seed ${seed}`).toHaveLength(1);
    }
  });

  it("is offline at 30 % loss within 300 ms in most places", () => {
    let offline = 0;
    for (const seed of SEEDS) {
      const { network, nodes } = lanOf(seed, 30);
      network.run(20_000);
      nodes[0]?.leave();
      network.run(301);
      const goneAt = (node: SimNode): boolean =>
        node.core.peers().some((p) => p.id === nodes[0]?.core.id && p.state === "offline");
      offline += nodes.filter(goneAt).length;
    }
    // Three goodbyes: 97.3 % of them.
    expect(offline).toBeGreaterThan(0.93 * SEEDS.length * (NODES - 1));
  });
});

describe("a process that was stopped for minutes", () => {
  it("blames nobody for it, neither in the roster nor in the group", () => {
    const network = new SimNetwork(5);
    const [a, b, c] = ["a", "b", "c"].map((name) => network.addNode(name));
    network.run(3_000);
    for (const node of [a, b, c]) node?.join("224.0.1.100");
    network.run(60_000);
    if (b === undefined) return expect.unreachable();
    const before = b.events.length;
    b.up = false;
    network.run(300_000);
    b.up = true;
    b.core.wake(network.nowMs);
    network.pump(b);
    network.run(60_000);
    const changes = b.events.slice(before).map((event) => "change" in event && event.change);
    expect(changes).not.toContain("offline");
    expect(changes).not.toContain("suspect");
    return undefined;
  });
});

describe("quiet traffic", () => {
  it("is beacons and nothing else, within the budget, also after talk", () => {
    for (const seed of SEEDS.slice(0, 3)) {
      const { network, nodes } = lanOf(seed, 0);
      network.run(3_000);
      const groups = nodes.map((node) => node.join("224.0.1.100"));
      for (const [i, from] of nodes.entries()) {
        for (const to of nodes) if (to !== from) from.send(to, "hello");
        from.say(groups[i] ?? "", "hello all");
      }
      // Conversations are pinged for two minutes; heartbeats of the group thin out meanwhile.
      network.run(300_000);
      network.trace.length = 0;
      const before = network.bytesSent;
      network.run(60_000);
      const types = new Set(sentTypes(network.trace));
      expect(types, `seed ${seed}`).toEqual(
        new Set<number>([DatagramType.beacon, DatagramType.groupHeartbeat]),
      );
      const beacons = sentTypes(network.trace).filter((type) => type === DatagramType.beacon);
      const mostBeacons = Math.ceil(60_000 / SHORTEST_INTERVAL_MS) * NODES;
      expect(beacons.length, `seed ${seed}`).toBeLessThanOrEqual(mostBeacons);
      // Two heartbeats a minute and member at most, at the price of a beacon.
      const budgetBytes = (mostBeacons + 4 * NODES) * BEACON_ON_WIRE_BYTES;
      expect(network.bytesSent - before, `seed ${seed}`).toBeLessThan(budgetBytes);
      expect(network.bytesSent - before, `seed ${seed}`).toBeGreaterThan(0);
    }
  });
});

/** Types of the datagrams sent: lines of the trace end in `-> where hex`. */
function sentTypes(trace: readonly string[]): number[] {
  return trace.flatMap((line) => {
    const sent = / -> \S+ f901([0-9a-f]{2})/.exec(line)?.[1];
    return sent === undefined ? [] : [Number.parseInt(sent, 16)];
  });
}
