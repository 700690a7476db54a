import { describe, expect, it } from "vitest";
import { uniformBetween } from "../../src/crypto/random.js";
import { SeededRandom } from "../support/seededRandom.js";
import { SimNetwork, type SimNode } from "../support/simNetwork.js";

const NODES = 5;
const SEEDS = 30;

interface Crash {
  readonly network: SimNetwork;
  readonly victim: SimNode;
  readonly others: SimNode[];
  readonly incarnations: [string, string];
  /** Tokens of the requests to the victim, by asker. */
  readonly asked: Map<SimNode, number[]>;
}

/** One node crashes in the middle of everybody's traffic to it, and comes back. */
function crashInTraffic(seed: number, lossPercent: number): Crash {
  const random = new SeededRandom(seed ^ 0xc4a5);
  const network = new SimNetwork(seed, { lossPercent, maxDelayMs: 3 });
  const nodes = Array.from({ length: NODES }, (_, i) => network.addNode(`node ${i}`));
  const [victim = network.addNode("never"), ...others] = nodes;
  for (const node of nodes) node.query();
  network.run(4_000);
  const asked = new Map(others.map((node): [SimNode, number[]] => [node, []]));
  const crashAt = Math.floor(random.uniform() * 20);
  const first = victim.core.incarnation;
  for (let round = 0; round < 20; round += 1) {
    for (const node of others) {
      node.send(victim, `text ${round}`);
      if (round % 4 === 0) asked.get(node)?.push(node.ask(victim, `${node.name} request ${round}`));
      if (victim.up) victim.send(node, `from victim ${round}`);
    }
    network.run(uniformBetween(random, 0, 4));
    if (round === crashAt) victim.crash();
  }
  network.run(uniformBetween(random, 100, 8_000));
  victim.restart();
  const incarnations: [string, string] = [first, victim.core.incarnation];
  return { network, victim, others, incarnations, asked };
}

describe("a node that crashes in mid-traffic and comes back", () => {
  for (const lossPercent of [0, 20]) {
    it(`gets everything, each request ends once: ${lossPercent} % loss`, () => {
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        const { network, victim, others, incarnations, asked } = crashInTraffic(seed, lossPercent);
        expect(incarnations[0]).not.toBe(incarnations[1]);
        network.run(20_000);
        for (const node of others) node.send(victim, "after");
        network.run(20_000);
        for (const node of others) {
          const why = `seed ${seed} ${node.name}`;
          const texts = victim.textsFrom(node);
          const wanted = [...Array.from({ length: 20 }, (_, i) => `text ${i}`), "after"];
          // A text that the first incarnation had and could not acknowledge comes once more.
          expect([...new Set(texts)], why).toEqual(wanted);
          const lastOfOld = texts.findIndex((text, i) => i > 0 && !isAfter(text, texts[i - 1]));
          const pieces =
            lastOfOld < 0 ? [texts] : [texts.slice(0, lastOfOld), texts.slice(lastOfOld)];
          for (const piece of pieces) expect(new Set(piece).size, why).toBe(piece.length);
          for (const token of asked.get(node) ?? []) {
            const replies = node.ofKind("reply").filter((event) => event.token === token);
            const failed = node.ofKind("failed").filter((event) => event.token === token);
            expect(replies.length + failed.length, why).toBe(1);
            for (const event of failed) expect(event.code, why).toBe("PEER_RESTARTED");
          }
          const entries = node.core.peers().filter((peer) => peer.id === victim.core.id);
          expect(entries, why).toMatchObject([{ state: "online", incarnation: incarnations[1] }]);
          expect(node.ofKind("duplicateKey"), why).toEqual([]);
        }
        expect(new Set(victim.executed).size, `seed ${seed}`).toBe(victim.executed.length);
      }
    });
  }

  it("some requests fail as PEER_RESTARTED, others are answered", () => {
    let failed = 0;
    let answered = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { network, others } = crashInTraffic(seed, 20);
      network.run(20_000);
      failed += others.reduce((sum, node) => sum + node.ofKind("failed").length, 0);
      answered += others.reduce((sum, node) => sum + node.ofKind("reply").length, 0);
    }
    expect(failed).toBeGreaterThan(SEEDS / 2);
    expect(answered).toBeGreaterThan(SEEDS);
  });
});

/** Texts are numbered; "after" comes last. */
function isAfter(text: string, before: string | undefined): boolean {
  const rank = (t = ""): number => (t === "after" ? 1_000 : Number(t.slice("text ".length)));
  return rank(text) > rank(before);
}
