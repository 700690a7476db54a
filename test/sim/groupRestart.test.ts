import { describe, expect, it } from "vitest";
import { uniformBetween } from "../../src/crypto/random.js";
import { DatagramType } from "../../src/wire/constants.js";
import { SeededRandom } from "../support/seededRandom.js";
import { SimNetwork, type SimNode } from "../support/simNetwork.js";

const GROUP = "224.0.1.100";
const NODES = 5;
const SEEDS = 20;
const ROUNDS = 30;

/** What a node shows of a group, over all its starts: author and message, its own apart. */
function shown(node: SimNode): string[] {
  return node.ofKind("groupMessage").map(({ from, messageId }) => `${from.id} ${messageId}`);
}

function said(node: SimNode): string[] {
  return node.ofKind("groupSaid").map(({ messageId }) => `${node.core.id} ${messageId}`);
}

describe("a member that crashes in the middle of talk, and comes back", () => {
  it("misses nothing, shows nothing twice, and what it said is had by all", () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const random = new SeededRandom(seed ^ 0x9e57);
      const network = new SimNetwork(seed, { lossPercent: 15, reorderPercent: 10, maxDelayMs: 3 });
      const nodes = Array.from({ length: NODES }, (_, i) => network.addNode(`node ${i}`));
      const [group = ""] = nodes.map((node) => node.join(GROUP));
      const [victim] = nodes;
      if (victim === undefined) return expect.unreachable();
      network.run(6_000);
      const crashRound = 5 + Math.floor(random.uniform() * 10);
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const node of nodes) {
          // Every fifth line spans datagrams.
          const text = round % 5 === 0 ? `${node.name} ${round} `.repeat(300) : `${round}`;
          if (node.up) node.say(group, text);
        }
        network.run(uniformBetween(random, 1, 80));
        if (round === crashRound) victim.crash();
        if (round === crashRound + 8) {
          victim.restart();
          victim.join(GROUP);
        }
      }
      network.run(90_000);
      const all = nodes.flatMap(said);
      for (const node of nodes) {
        const lines = shown(node);
        const why = `seed ${seed} ${node.name}`;
        expect(new Set(lines).size, why).toBe(lines.length);
        expect([...lines, ...said(node)].toSorted(), why).toEqual(all.toSorted());
        expect(node.ofKind("gap"), why).toEqual([]);
      }
    }
    return undefined;
  });
});

describe("an author that is gone for ever right after its last line", () => {
  it("is repeated by the one member that got it, to all who know that there was one", () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const network = new SimNetwork(seed, { lossPercent: 10 });
      const nodes = Array.from({ length: 8 }, (_, i) => network.addNode(`node ${i}`));
      const [group = ""] = nodes.map((node) => node.join(GROUP));
      const [author, holder, ...others] = nodes;
      if (author === undefined || holder === undefined) return expect.unreachable();
      network.run(6_000);
      network.partition([author, holder], others);
      author.say(group, "last words");
      network.runUntil(() => holder.linesFrom(author, group).length > 0, 3_000);
      // The goodbye of the author reaches everybody, and nothing else of it does.
      network.heal();
      author.leave();
      network.run(2);
      author.crash();
      network.run(30_000);
      const informed = others.filter((node) =>
        node
          .ofKind("presence")
          .some(({ change, peer }) => change === "leave" && peer.id === author.core.id),
      );
      expect(informed.length, `seed ${seed}`).toBeGreaterThan(0);
      for (const node of informed) {
        expect(node.linesFrom(author, group), `seed ${seed}`).toEqual(["last words"]);
        expect(node.ofKind("gap"), `seed ${seed}`).toEqual([]);
      }
    }
    return undefined;
  });
});

describe("fifty members of which forty have what one that is gone said", () => {
  it("repeat it a few times, not forty", () => {
    const network = new SimNetwork(1);
    const nodes = Array.from({ length: 50 }, (_, i) => network.addNode(`node ${i}`));
    const [group = ""] = nodes.map((node) => node.join(GROUP));
    const [author] = nodes;
    if (author === undefined) return expect.unreachable();
    network.run(8_000);
    const lacking = nodes.slice(-9);
    network.partition(nodes.slice(0, -9), lacking);
    author.say(group, "last words");
    network.run(10);
    network.heal();
    network.run(92); // a heartbeat tells all that there was a line
    let repairs = 0;
    network.tap = (_from, { bytes }) => {
      if (bytes[2] === DatagramType.groupData) repairs += 1;
    };
    author.crash();
    network.run(5_000);
    for (const node of lacking) expect(node.linesFrom(author, group)).toEqual(["last words"]);
    expect(repairs).toBeGreaterThan(0);
    expect(repairs).toBeLessThanOrEqual(5);
    return undefined;
  });
});
