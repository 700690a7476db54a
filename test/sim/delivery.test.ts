import { describe, expect, it } from "vitest";
import { uniformBetween } from "../../src/crypto/random.js";
import { SeededRandom } from "../support/seededRandom.js";
import { SimNetwork, type SimNode } from "../support/simNetwork.js";

const SEEDS = 200;
const NODES = 8;
const TEXTS_PER_NODE = 10;
const LINES_PER_NODE = 10;
const REQUESTS_PER_NODE = 5;
/** At 30 % loss both ways the unluckiest message of all seeds is through long before. */
const DEADLINE_MS = 120_000;

interface Plan {
  readonly from: SimNode;
  readonly to: SimNode;
  readonly text: string;
}

/** A LAN of eight where everybody writes to everybody, asks, and chats in one group. */
function busyLan(seed: number): {
  network: SimNetwork;
  texts: Plan[];
  asked: Plan[];
  group: string;
} {
  const random = new SeededRandom(seed ^ 0x5eed);
  const network = new SimNetwork(seed, {
    lossPercent: uniformBetween(random, 0, 30),
    duplicatePercent: uniformBetween(random, 0, 20),
    reorderPercent: uniformBetween(random, 0, 30),
    reorderMs: uniformBetween(random, 1, 50),
    maxDelayMs: uniformBetween(random, 0.2, 10),
  });
  const nodes = Array.from({ length: NODES }, (_, i) => network.addNode(`node ${i}`));
  const group = nodes.map((node) => node.join("224.0.1.100"))[0] ?? "";
  network.run(6_000); // everybody has said hello, lost hellos included
  const texts: Plan[] = [];
  const asked: Plan[] = [];
  const other = (from: SimNode): SimNode => {
    const others = nodes.filter((node) => node !== from);
    return others[Math.floor(random.uniform() * others.length)] ?? from;
  };
  for (let round = 0; round < TEXTS_PER_NODE; round += 1) {
    for (const from of nodes) {
      const text: Plan = { from, to: other(from), text: `${from.name} text ${round}` };
      texts.push(text);
      from.sendTo(text.to.address, text.text);
      if (round < LINES_PER_NODE) from.say(group, `${from.name} line ${round}`);
      if (round < REQUESTS_PER_NODE) {
        const request: Plan = { from, to: other(from), text: `${from.name} request ${round}` };
        asked.push(request);
        from.ask(request.to, request.text);
      }
    }
    network.run(uniformBetween(random, 0, 200));
  }
  return { network, texts, asked, group };
}

function expectAllDeliveredOnceInOrder(seed: number): SimNetwork {
  const { network, texts, asked, group } = busyLan(seed);
  const { nodes } = network;
  const linesWanted = NODES * (NODES - 1) * LINES_PER_NODE;
  const complete = (): boolean =>
    count(nodes, "delivered") === texts.length + asked.length &&
    count(nodes, "reply") === asked.length &&
    count(nodes, "groupMessage") >= linesWanted;
  network.runUntilSeen(complete, DEADLINE_MS);
  network.run(2_000); // whatever would come twice, comes now
  for (const to of nodes) {
    for (const from of nodes) {
      const sent = texts.filter((plan) => plan.from === from && plan.to === to);
      expect(to.textsFrom(from), why(seed)).toEqual(sent.map((plan) => plan.text));
      if (from === to) continue;
      const lines = Array.from({ length: LINES_PER_NODE }, (_, i) => `${from.name} line ${i}`);
      expect(to.linesFrom(from, group), why(seed)).toEqual(lines);
    }
    const wanted = asked.filter((plan) => plan.to === to).map((plan) => plan.text);
    expect(to.executed.toSorted(), why(seed)).toEqual(wanted.toSorted());
  }
  expect(count(nodes, "failed"), why(seed)).toBe(0);
  expect(count(nodes, "gap"), why(seed)).toBe(0);
  return network;
}

function count(
  nodes: readonly SimNode[],
  kind: "delivered" | "reply" | "groupMessage" | "failed" | "gap",
): number {
  return nodes.reduce((sum, node) => sum + node.ofKind(kind).length, 0);
}

function why(seed: number): string {
  return `seed ${seed}`;
}

describe("eight nodes under loss, duplication and reordering", () => {
  // In portions, so that a failure comes early and the time limit holds for each.
  const portion = 25;
  for (let first = 1; first <= SEEDS; first += portion) {
    it(`deliver everything once and in order: seeds ${first} to ${first + portion - 1}`, () => {
      for (let seed = first; seed < first + portion; seed += 1) expectAllDeliveredOnceInOrder(seed);
    });
  }

  it("replay from their seed, byte for byte", () => {
    const runs = [7, 7, 8].map((seed) => busyLan(seed).network.trace.join("\n"));
    expect(runs[0]).toBe(runs[1]);
    expect(runs[0]).not.toBe(runs[2]);
    expect(runs[0]?.length).toBeGreaterThan(100_000);
  });
});
