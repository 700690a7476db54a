import { describe, expect, it } from "vitest";
import { TRUST_NOTHING } from "../../src/core/context.js";
import type { CoreOptions } from "../../src/core/core.js";
import type { GroupKeys } from "../../src/core/io.js";
import { identityFromSeed, verifyEd25519 } from "../../src/crypto/identity.js";
import { noiseSuite } from "../../src/crypto/noise.js";
import { DatagramType } from "../../src/wire/constants.js";
import { toHex } from "../../src/wire/cursor.js";
import { decodeGroupData } from "../../src/wire/group.js";
import { datagramType } from "../../src/wire/header.js";
import { counted, expectSameLines, runUntilConverged, shownLines } from "../support/convergence.js";
import { quietBudgetBytes } from "../support/groupTraffic.js";
import {
  inLaterVersion,
  laterDatagrams,
  laterIdentity,
  laterSuite,
  laterVersionOf,
  NO_LINE,
} from "../support/laterVersion.js";
import { SeededRandom } from "../support/seededRandom.js";
import type { Faults } from "../support/simMedium.js";
import { SimNetwork, type SimNode } from "../support/simNetwork.js";

const GROUP = "224.0.1.100";
const SEEDS = [1, 2, 3];
const KEYS: GroupKeys = {
  epoch: 0,
  key: "5e".repeat(32),
  retired: [],
  removed: [],
  change: undefined,
};

/** Real keys, handshakes and seals: of version 1, or of a later one. */
function keysOf(
  index: number,
  later?: SeededRandom,
): Pick<CoreOptions, "identity" | "handshakeSuite" | "verify"> {
  const device = identityFromSeed(new Uint8Array(32).fill(index + 1));
  const suite = noiseSuite(device);
  return {
    identity: later === undefined ? device : laterIdentity(device, later),
    handshakeSuite: later === undefined ? suite : laterSuite(suite, later),
    verify: verifyEd25519,
  };
}

/** `present` nodes of version 1, then `later` ones, which extend version 1 as it allows. */
function mixedLan(
  seed: number,
  { present, later }: { readonly present: number; readonly later: number },
  faults: Partial<Faults> = {},
): { network: SimNetwork; present: SimNode[]; later: SimNode[] } {
  const network = new SimNetwork(seed, faults);
  const random = new SeededRandom(seed ^ 0x1a7e);
  const nodes = Array.from({ length: present + later }, (_, i) => {
    if (i < present) return network.addNode(`n${i}`, keysOf(i));
    const keys = keysOf(i, random);
    const node = network.addNode(`later ${i}`, keys);
    const sign = (unsigned: Uint8Array): Uint8Array => keys.identity.sign(unsigned);
    node.wording = (bytes) => laterVersionOf(bytes, sign, random);
    return node;
  });
  return { network, present: nodes.slice(0, present), later: nodes.slice(present) };
}

function joined(network: SimNetwork, nodes: readonly SimNode[]): string {
  const [group = ""] = nodes.map((node) => node.join(GROUP));
  network.run(6_000);
  return group;
}

/** What a node sees online, by name. */
function online(node: SimNode): string[] {
  const seen = node.core.peers().filter(({ state }) => state === "online");
  return seen.map(({ name }) => name).toSorted();
}

function others(nodes: readonly SimNode[], node: SimNode): string[] {
  return nodes
    .filter((other) => other !== node)
    .map(({ name }) => name)
    .toSorted();
}

describe("nodes of a later version that extend version 1", () => {
  it("are discovered, write, answer, and chat like everybody", { timeout: 60_000 }, () => {
    for (const seed of SEEDS) {
      const { network, present, later } = mixedLan(
        seed,
        { present: 3, later: seed },
        { lossPercent: 10, reorderPercent: 10 },
      );
      const nodes = [...present, ...later];
      const group = joined(network, nodes);
      for (const node of nodes) {
        expect(online(node), `seed ${seed} ${node.name}`).toEqual(others(nodes, node));
      }
      for (const from of nodes) {
        for (const to of nodes) {
          if (from === to) continue;
          from.send(to, `to ${to.name}`);
          from.ask(to, `ask ${to.name}`);
        }
        from.say(group, `line of ${from.name}`);
        from.say(group, `long line of ${from.name} ${"x".repeat(5_000)}`);
        network.run(200);
      }
      expect(runUntilConverged(network, nodes, group, 20_000), `seed ${seed}`).toBe(true);
      network.run(10_000);
      for (const node of nodes) {
        for (const other of nodes) {
          if (other === node) continue;
          expect(node.textsFrom(other), `seed ${seed}`).toEqual([`to ${node.name}`]);
        }
        expect(node.ofKind("reply"), `seed ${seed}`).toHaveLength(nodes.length - 1);
        expect(node.ofKind("failed"), `seed ${seed}`).toEqual([]);
        expect(node.ofKind("laterVersion"), `seed ${seed}`).toEqual([]);
      }
      expect(expectSameLines(network, nodes, group)).toHaveLength(2 * nodes.length);
      expect(counted(nodes, "datagramsMalformed"), `seed ${seed}`).toBe(0);
      expect(counted(nodes, "datagramsForged"), `seed ${seed}`).toBe(0);
    }
  });

  it("are kept, repaired and served by members of version 1 byte for byte", () => {
    for (const seed of SEEDS) {
      const { network, present, later } = mixedLan(seed, { present: 3, later: 1 });
      const [author] = later;
      const [keeper, misses] = present;
      if (author === undefined || keeper === undefined || misses === undefined) {
        throw new Error("unreachable");
      }
      const group = joined(network, [...present, author]);
      const sent = new Map<number, string>();
      network.tap = (_from, { bytes }) => {
        if (datagramType(bytes) !== DatagramType.groupData) return;
        const { device, sequence } = decodeGroupData(bytes);
        expect(device).toBe(author.core.id);
        const before = sent.get(sequence) ?? toHex(bytes);
        expect(toHex(bytes), `seed ${seed}`).toBe(before);
        sent.set(sequence, before);
      };
      network.faults.lossPercent = 40;
      for (let i = 0; i < 20; i += 1) {
        author.say(group, `line ${i}`);
        network.run(50);
      }
      network.run(5_000);
      expect(counted(present, "repairsReceived"), `seed ${seed}`).toBeGreaterThan(0);
      network.faults.lossPercent = 0;
      network.run(2_000);
      network.partition([author, keeper], [misses]);
      for (let i = 20; i < 30; i += 1) author.say(group, `line ${i}`);
      author.say(group, `${NO_LINE}what version 1 does not show`);
      network.run(2_000);
      author.crash();
      network.heal();
      expect(runUntilConverged(network, present, group, 60_000), `seed ${seed}`).toBe(true);
      const late = network.addNode("late", keysOf(90));
      network.run(3_000);
      late.join(GROUP);
      expect(runUntilConverged(network, [...present, late], group, 30_000)).toBe(true);
      expect(counted([...present, late], "datagramsSynced"), `seed ${seed}`).toBeGreaterThan(0);
      for (const node of [...present, late]) {
        expect(node.linesFrom(author, group)).toEqual(
          Array.from({ length: 30 }, (_, i) => `line ${i}`),
        );
        for (const [sequence, bytes] of sent) {
          const of = { device: author.core.id, incarnation: author.core.incarnation };
          const [kept] = node.log.read(group, of, { first: sequence, last: sequence });
          expect(kept === undefined ? "nothing" : toHex(kept.bytes)).toBe(bytes);
        }
        // All of it is bits that version 1 does not know.
        const flags = [...sent.values()].map((hex) => Number.parseInt(hex.slice(6, 8), 16));
        expect(Math.max(...flags)).toBeGreaterThan(0);
      }
      expect(counted([...present, late], "groupEntriesUnknown")).toBe(4);
      expect(counted([...present, late], "datagramsForged")).toBe(0);
      expect(counted([...present, late], "datagramsMalformed")).toBe(0);
    }
  });

  it("share secret groups, before and after a change of the key", () => {
    const { network, present, later } = mixedLan(7, { present: 3, later: 2 }, { lossPercent: 10 });
    const nodes = [...present, ...later];
    network.run(5_000);
    const [group = ""] = nodes.map((node) => node.joinSecret("#ops", KEYS));
    network.run(6_000);
    for (const node of nodes) node.say(group, `${node.name} before`);
    network.run(20_000);
    const [first, out] = present;
    const [changer, stays] = later;
    if (first === undefined || out === undefined || changer === undefined || stays === undefined) {
      throw new Error("unreachable");
    }
    changer.removeFrom(group, out);
    network.run(10_000);
    const members = nodes.filter((node) => node !== out);
    for (const node of members) node.say(group, `${node.name} after`);
    expect(runUntilConverged(network, members, group, 60_000)).toBe(true);
    expect(expectSameLines(network, members, group)).toHaveLength(nodes.length + members.length);
    expect(shownLines(out, group)).toHaveLength(nodes.length);
    expect(out.ofKind("groupExpelled")).toHaveLength(1);
    const newcomer = network.addNode("newcomer", keysOf(91));
    network.run(3_000);
    stays.invite(group, newcomer);
    network.run(3_000);
    const [invitation] = newcomer.ofKind("groupInvitation");
    expect(invitation).toMatchObject({ label: "#ops", from: { id: stays.core.id } });
    if (invitation === undefined) return;
    newcomer.joinSecret(invitation.label, invitation.keys);
    network.run(5_000);
    newcomer.say(group, "hello");
    network.run(5_000);
    expect(stays.linesFrom(newcomer, group)).toEqual(["hello"]);
    expect(first.linesFrom(newcomer, group)).toEqual(["hello"]);
  });
});

describe("a node that has given version 1 up", () => {
  /** What it says is of version 2, and of all that nobody knows. */
  function withStranger(seed: number): {
    network: SimNetwork;
    nodes: SimNode[];
    stranger: SimNode;
    sentByNodes: () => number;
    burst: () => void;
  } {
    const network = new SimNetwork(seed, { lossPercent: 5 });
    const nodes = Array.from({ length: 3 }, (_, i) => network.addNode(`n${i}`));
    const stranger = network.addNode("stranger", { trust: TRUST_NOTHING });
    stranger.wording = inLaterVersion;
    const random = new SeededRandom(seed);
    let bytesSent = 0;
    network.tap = (from, { bytes }) => {
      if (from !== stranger) bytesSent += bytes.length;
    };
    let count = 0;
    const burst = (): void => {
      network.trace.length = 0; // nobody reads it
      for (const bytes of laterDatagrams(random)) {
        // To all, or to one of them in turn.
        count += 1;
        const to = nodes[count % (nodes.length + 1)]?.address;
        const destination =
          to === undefined ? { kind: "lan" as const } : { kind: "unicast" as const, to };
        network.transmit(stranger, { bytes, destination });
      }
    };
    return { network, nodes, stranger, burst, sentByNodes: () => bytesSent };
  }

  it("neither disturbs those of version 1 nor makes them say a word", { timeout: 120_000 }, () => {
    for (const seed of SEEDS) {
      const { network, nodes, stranger, burst, sentByNodes } = withStranger(seed);
      const group = joined(network, [...nodes, stranger]);
      for (let round = 0; round < 10; round += 1) {
        burst();
        for (const from of nodes) {
          from.say(group, `${from.name} ${round}`);
          for (const to of nodes) if (to !== from) from.send(to, `${round}`);
        }
        network.run(500);
      }
      expect(runUntilConverged(network, nodes, group, 20_000), `seed ${seed}`).toBe(true);
      expect(expectSameLines(network, nodes, group)).toHaveLength(30);
      const rounds = Array.from({ length: 10 }, (_, round) => `${round}`);
      for (const node of nodes) {
        expect(online(node)).toEqual(others(nodes, node));
        for (const other of nodes) {
          if (other !== node) expect(node.textsFrom(other), `seed ${seed}`).toEqual(rounds);
        }
      }
      // Sessions are idle by now: beacons and heartbeats are all there is, whatever is heard.
      network.run(300_000);
      const spanMs = 60_000;
      const before = sentByNodes();
      const usage = nodes.map((node) => node.core.usage());
      for (let passedMs = 0; passedMs < spanMs; passedMs += 6_000) {
        burst();
        network.run(6_000);
      }
      const spent = sentByNodes() - before;
      expect(spent, `seed ${seed}`).toBeLessThan(quietBudgetBytes(nodes.length, spanMs));
      expect(nodes.map((node) => node.core.usage())).toEqual(usage);
    }
  });

  it("is told of, once, and is in the status while it is there", () => {
    const { network, nodes, stranger } = withStranger(4);
    network.run(60_000);
    for (const node of nodes) {
      expect(node.ofKind("laterVersion")).toEqual([
        { kind: "laterVersion", address: stranger.address.address, version: 2 },
      ]);
      expect(node.core.laterVersions(network.nowMs)).toEqual([
        { address: stranger.address.address, version: 2 },
      ]);
      expect(node.core.counters().datagramsUnknown).toBe(0);
      expect(node.core.counters().datagramsOfLaterVersions).toBeGreaterThan(3);
    }
    // It learns our version again.
    stranger.wording = (bytes) => bytes;
    network.run(60_000);
    for (const node of nodes) {
      expect(online(node)).toContain("stranger");
      expect(node.core.laterVersions(network.nowMs)).toEqual([]);
    }
    stranger.wording = inLaterVersion;
    network.run(200_000);
    for (const node of nodes) {
      expect(node.core.laterVersions(network.nowMs)).toHaveLength(1);
      expect(node.ofKind("laterVersion")).toHaveLength(1);
    }
    stranger.crash();
    network.run(700_000);
    for (const node of nodes) expect(node.core.laterVersions(network.nowMs)).toEqual([]);
  });

  it("is not told of where somebody of version 1 is seen at the same address", () => {
    const network = new SimNetwork(5);
    const [node, both] = [network.addNode("n0"), network.addNode("both")];
    for (let second = 0; second < 120; second += 1) {
      network.transmit(both, {
        bytes: Uint8Array.from([0xf9, 2, 1, 0]),
        destination: { kind: "lan" },
      });
      network.run(1_000);
    }
    expect(node.core.counters().datagramsOfLaterVersions).toBeGreaterThan(100);
    expect(node.ofKind("laterVersion")).toEqual([]);
    expect(node.core.laterVersions(network.nowMs)).toEqual([]);
  });
});
