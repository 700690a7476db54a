import { describe, expect, it } from "vitest";
import { SimNetwork, type SimNode } from "../support/simNetwork.js";

const NODES = 6;
const LINES = 5;

function lan(seed: number): { network: SimNetwork; nodes: SimNode[]; group: string } {
  const network = new SimNetwork(seed, { lossPercent: 5, reorderPercent: 10 });
  const nodes = Array.from({ length: NODES }, (_, i) => network.addNode(`node ${i}`));
  const group = nodes.map((node) => node.join("224.0.1.100"))[0] ?? "";
  network.run(6_000);
  return { network, nodes, group };
}

/** Cuts the LAN in two for `spanMs`; everybody writes to everybody meanwhile. */
function writeWhileParted(
  seed: number,
  spanMs: number,
  knownBefore: boolean,
): ReturnType<typeof lan> {
  const parted = lan(seed);
  const { network, nodes, group } = parted;
  const texts = (what: string): void => {
    for (const from of nodes) for (const to of nodes) if (from !== to) from.send(to, what);
  };
  if (knownBefore) {
    texts("before");
    network.run(2_000);
  }
  network.partition(nodes.slice(0, NODES / 2), nodes.slice(NODES / 2));
  texts("parted 1");
  for (let i = 0; i < LINES; i += 1) {
    for (const node of nodes) node.say(group, `line ${i}`);
    network.run(spanMs / LINES / 2);
  }
  texts("parted 2");
  network.run(spanMs / 2);
  for (const from of nodes) {
    for (const to of nodes) {
      if (from === to || sameHalf(nodes, from, to)) continue;
      const crossed = to.textsFrom(from).filter((text) => text.startsWith("parted"));
      expect(crossed, `seed ${seed}`).toEqual([]);
    }
  }
  network.heal();
  return parted;
}

function sameHalf(nodes: readonly SimNode[], a: SimNode, b: SimNode): boolean {
  return nodes.indexOf(a) < NODES / 2 === nodes.indexOf(b) < NODES / 2;
}

function expectEveryTextOnce(seed: number, nodes: readonly SimNode[], wanted: string[]): void {
  for (const to of nodes) {
    for (const from of nodes) {
      if (from !== to) expect(to.textsFrom(from), `seed ${seed}`).toEqual(wanted);
    }
  }
  const failed = nodes.flatMap((node) => node.ofKind("failed"));
  expect(failed, `seed ${seed}`).toEqual([]);
}

/** Every line arrived once and in order, or is counted in a gap. */
function expectLinesOrGaps(seed: number, nodes: readonly SimNode[], group: string): void {
  const wanted = Array.from({ length: LINES }, (_, i) => `line ${i}`);
  for (const to of nodes) {
    for (const from of nodes) {
      if (from === to) continue;
      const lines = to.linesFrom(from, group);
      const gaps = to.ofKind("gap").filter((gap) => gap.from.id === from.core.id);
      const missing = gaps.reduce((sum, gap) => sum + gap.count, 0);
      expect(lines, `seed ${seed}`).toEqual(wanted.filter((line) => lines.includes(line)));
      if (lines.length < LINES) expect(missing, `seed ${seed}`).toBeGreaterThan(0);
    }
  }
}

describe("two halves that could not hear each other", () => {
  it.each([
    { spanMs: 5_000, knownBefore: true },
    { spanMs: 5_000, knownBefore: false },
    { spanMs: 25_000, knownBefore: true },
    // Longer than a session lives, and than a dial goes on for a link.
    { spanMs: 100_000, knownBefore: true },
    { spanMs: 100_000, knownBefore: false },
  ])("deliver once what was written meanwhile: $spanMs ms, $knownBefore", (how) => {
    for (let seed = 1; seed <= 8; seed += 1) {
      const { network, nodes, group } = writeWhileParted(seed, how.spanMs, how.knownBefore);
      const texts = [...(how.knownBefore ? ["before"] : []), "parted 1", "parted 2"];
      const total = NODES * (NODES - 1) * texts.length;
      const delivered = (): boolean =>
        nodes.reduce((sum, node) => sum + node.ofKind("delivered").length, 0) === total;
      network.runUntilSeen(delivered, 30_000);
      network.run(60_000); // the next heartbeats of the group
      expectEveryTextOnce(seed, nodes, texts);
      expectLinesOrGaps(seed, nodes, group);
      for (const node of nodes) {
        const online = node.core.peers().filter((peer) => peer.state === "online");
        expect(online, `seed ${seed}`).toHaveLength(NODES - 1);
      }
    }
  });

  it("recover the lines of the group when the senders still have them", () => {
    for (let seed = 1; seed <= 8; seed += 1) {
      const { network, nodes, group } = writeWhileParted(seed, 5_000, true);
      network.run(60_000);
      const wanted = Array.from({ length: LINES }, (_, i) => `line ${i}`);
      for (const to of nodes) {
        const senders = nodes.filter((node) => node !== to);
        const lines = senders.map((from) => to.linesFrom(from, group));
        expect(lines, `seed ${seed}`).toEqual(senders.map(() => wanted));
      }
    }
  });
});
