import { describe, expect, it } from "vitest";
import { SimNetwork, type SimNode } from "../support/simNetwork.js";

const SEEDS = 20;

/** Two nodes in conversation, and a third that only looks on. */
function conversation(seed: number): { network: SimNetwork; nodes: [SimNode, SimNode, SimNode] } {
  const network = new SimNetwork(seed, { lossPercent: 10, duplicatePercent: 5, maxDelayMs: 2 });
  const nodes: [SimNode, SimNode, SimNode] = [
    network.addNode("alice"),
    network.addNode("bob"),
    network.addNode("carol"),
  ];
  network.run(4_000);
  for (let i = 0; i < 10; i += 1) {
    nodes[0].send(nodes[1], `a${i}`);
    nodes[1].send(nodes[0], `b${i}`);
    network.run(10);
  }
  return { network, nodes };
}

function expectTenMore(seed: number, network: SimNetwork, alice: SimNode, bob: SimNode): void {
  for (let i = 10; i < 20; i += 1) {
    alice.send(bob, `a${i}`);
    bob.send(alice, `b${i}`);
    network.run(10);
  }
  network.run(20_000);
  const wanted = (letter: string): string[] =>
    Array.from({ length: 20 }, (_, i) => `${letter}${i}`);
  expect(bob.textsFrom(alice), `seed ${seed}`).toEqual(wanted("a"));
  expect(alice.textsFrom(bob), `seed ${seed}`).toEqual(wanted("b"));
  expect(alice.ofKind("delivered"), `seed ${seed}`).toHaveLength(20);
  expect(bob.ofKind("delivered"), `seed ${seed}`).toHaveLength(20);
}

describe("a node whose address changes in mid-session", () => {
  it("is one roster entry with the new address first, and messages go on in the same session", () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { network, nodes } = conversation(seed);
      const [alice, bob, carol] = nodes;
      const handshakes = alice.core.counters().handshakesCompleted;
      bob.moveTo("10.77.0.200", true);
      expectTenMore(seed, network, alice, bob);
      for (const node of [alice, carol]) {
        const entries = node.core.peers().filter((peer) => peer.id === bob.core.id);
        expect(entries, `seed ${seed}`).toMatchObject([
          { state: "online", address: "10.77.0.200", incarnation: bob.core.incarnation },
        ]);
        expect(node.ofKind("duplicateKey"), `seed ${seed}`).toEqual([]);
      }
      expect(alice.core.counters().handshakesCompleted, `seed ${seed}`).toBe(handshakes);
    }
  });

  it("is found again even if both moved at once", () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { network, nodes } = conversation(seed);
      const [alice, bob] = nodes;
      alice.moveTo("10.77.0.100", true);
      bob.moveTo("10.77.0.200", true);
      expectTenMore(seed, network, alice, bob);
      expect(alice.core.peers(), `seed ${seed}`).toHaveLength(2);
    }
  });

  it("is followed by its packets alone when the driver has not noticed yet", () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { network, nodes } = conversation(seed);
      const [alice, bob] = nodes;
      bob.moveTo("10.77.0.200", false);
      expectTenMore(seed, network, alice, bob);
      const entries = alice.core.peers().filter((peer) => peer.id === bob.core.id);
      expect(entries, `seed ${seed}`).toMatchObject([{ address: "10.77.0.200" }]);
    }
  });
});
