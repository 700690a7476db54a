import { describe, expect, it } from "vitest";
import { TRUST_NOTHING } from "../../src/core/context.js";
import type { GroupKeys } from "../../src/core/io.js";
import { decodeUtf8 } from "../../src/wire/cursor.js";
import { counted, expectSameLines, runUntilConverged, shownLines } from "../support/convergence.js";
import { SimNetwork, type SimNode } from "../support/simNetwork.js";

const GROUP = "224.0.1.100";
const KEYS: GroupKeys = {
  epoch: 0,
  key: "5e".repeat(32),
  retired: [],
  removed: [],
  change: undefined,
};

function lan(
  seed: number,
  count: number,
  faults: ConstructorParameters<typeof SimNetwork>[1] = {},
): { network: SimNetwork; nodes: SimNode[]; group: string } {
  const network = new SimNetwork(seed, faults);
  const nodes = Array.from({ length: count }, (_, i) => network.addNode(`node ${i}`));
  const group = nodes.map((node) => node.join(GROUP))[0] ?? "";
  network.run(6_000);
  return { network, nodes, group };
}

describe("whoever joins late", () => {
  it("gets what was said before, in the order in which the others show it", () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const { network, nodes, group } = lan(seed, 4, { lossPercent: 10, reorderPercent: 10 });
      for (let i = 0; i < 120; i += 1) {
        nodes[i % 4]?.say(group, `line ${i} ${"x".repeat((i % 10) * 300)}`);
        network.run(20);
      }
      network.run(20_000);
      const late = network.addNode("late");
      network.run(3_000);
      late.join(GROUP);
      const all = [...nodes, late];
      expect(runUntilConverged(network, all, group, 4_000), `seed ${seed}`).toBe(true);
      expect(expectSameLines(network, all, group)).toHaveLength(120);
      expect(late.ofKind("groupMessage").every((line) => line.late)).toBe(true);
      expect(late.ofKind("gap")).toEqual([]);
    }
  });
});

describe("whoever says something and is gone", () => {
  it("is read by all if a single member heard it", () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const { network, nodes, group } = lan(seed, 6);
      const [author, only, ...others] = nodes;
      if (author === undefined || only === undefined) throw new Error("unreachable");
      author.say(group, "first");
      network.run(5_000);
      network.partition([author, only], others);
      author.say(group, "last words");
      network.run(30);
      author.crash();
      network.run(1_000);
      network.heal();
      const alive = [only, ...others];
      expect(runUntilConverged(network, alive, group, 35_000), `seed ${seed}`).toBe(true);
      const lines = expectSameLines(network, alive, group);
      expect(lines.map((line) => line.slice(9))).toEqual(["first", "last words"]);
    }
  });
});

describe("a group in two parts", () => {
  it.each([
    { count: 5, cut: 2, seeds: 3, speakers: 5, everyMs: 500 },
    { count: 50, cut: 20, seeds: 1, speakers: 20, everyMs: 3000 },
  ])(
    "is one again within 5 s: $cut of $count",
    { timeout: 120_000 },
    ({ count, cut, seeds, speakers, everyMs }) => {
      for (let seed = 1; seed <= seeds; seed += 1) {
        const { network, nodes, group } = lan(seed, count, { lossPercent: 5 });
        network.partition(nodes.slice(0, cut), nodes.slice(cut));
        let said = 0;
        for (let passedMs = 0; passedMs < 30_000; passedMs += everyMs) {
          for (let i = 0; i < speakers; i += 1) {
            nodes[Math.floor((i * count) / speakers)]?.say(group, `line ${said}`);
            said += 1;
          }
          network.run(everyMs);
        }
        network.heal();
        expect(runUntilConverged(network, nodes, group, 5_000), `seed ${seed}`).toBe(true);
        network.run(100);
        expect(expectSameLines(network, nodes, group)).toHaveLength(said);
      }
    },
  );
});

describe("whoever starts again", () => {
  it("gets only what it lacks", () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const { network, nodes, group } = lan(seed, 4, { lossPercent: 5 });
      const [a, , , restarting] = nodes;
      if (a === undefined || restarting === undefined) throw new Error("unreachable");
      const say = (from: number, to: number): void => {
        for (let i = from; i < to; i += 1) {
          a.say(group, `line ${i}`);
          network.run(50);
        }
      };
      say(0, 60);
      network.run(10_000);
      restarting.crash();
      say(60, 80);
      network.run(10_000);
      restarting.restart();
      network.run(500);
      restarting.join(GROUP);
      expect(runUntilConverged(network, nodes, group, 5_000), `seed ${seed}`).toBe(true);
      expect(shownLines(restarting, group)).toHaveLength(80);
      expect(restarting.core.counters().datagramsSynced).toBeLessThanOrEqual(20);
      expect(restarting.ofKind("gap")).toEqual([]);
    }
  });
});

describe("a secret group", () => {
  it("gives newcomers what was said under the keys that they have", () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const network = new SimNetwork(seed, { lossPercent: 10 });
      const [a, b, removed] = ["a", "b", "c"].map((name) => network.addNode(name));
      if (a === undefined || b === undefined || removed === undefined)
        throw new Error("unreachable");
      const [group = ""] = [a, b, removed].map((node) => node.joinSecret("#ops", KEYS));
      network.run(6_000);
      const say = (what: string): void => {
        for (let i = 0; i < 10; i += 1) {
          a.say(group, `${what} ${i}`);
          network.run(50);
        }
        network.run(5_000);
      };
      say("under the passphrase");
      const knows = network.addNode("knows");
      network.run(3_000);
      knows.joinSecret("#ops", KEYS);
      network.run(6_000);
      expect(linesOf(knows), `seed ${seed}`).toHaveLength(10);
      a.removeFrom(group, removed);
      network.run(5_000);
      say("after the change");
      const invited = network.addNode("invited");
      network.run(3_000);
      b.invite(group, invited);
      network.run(3_000);
      const keys = invited.ofKind("groupInvitation")[0]?.keys;
      if (keys === undefined) throw new Error(`seed ${seed}: no invitation`);
      invited.joinSecret("#ops", keys);
      network.run(10_000);
      const later = linesOf(invited);
      expect(later, `seed ${seed}`).toHaveLength(10);
      expect(later.every((line) => line.startsWith("after the change"))).toBe(true);
      expect(linesOf(knows), `seed ${seed}`).toHaveLength(20);
      expect(invited.core.counters().groupDatagramsUnreadable, `seed ${seed}`).toBe(0);
    }
  });

  function linesOf(node: SimNode): string[] {
    return node.ofKind("groupMessage").map(({ body }) => decodeUtf8(body));
  }
});

describe("members that differ for good", () => {
  /** Six of them, twenty minutes after the last line; and the bytes of the next ten minutes. */
  function longAfter(
    seed: number,
    differs: "not at all" | "keeps less" | "blocks the author",
  ): { bytes: number; syncs: number; syncBytes: number } {
    const network = new SimNetwork(seed);
    const author = network.addNode("author");
    const isBlocked = (device: string): boolean => device === author.core.id;
    const options = {
      "not at all": {},
      "keeps less": { limits: { groupLogDatagrams: 20 } },
      "blocks the author": { trust: { ...TRUST_NOTHING, isBlocked } },
    }[differs];
    const others = ["b", "c", "d", "e"].map((name) => network.addNode(name));
    const nodes = [author, ...others, network.addNode("differs", options)];
    const [group = ""] = nodes.map((node) => node.join(GROUP));
    network.run(6_000);
    for (let i = 0; i < 60; i += 1) {
      nodes[i % 2]?.say(group, `line ${i} ${"x".repeat(500)}`);
      network.run(100);
    }
    network.run(1_200_000);
    const bytesBefore = network.bytesSent;
    const syncBytesBefore = counted(nodes, "syncBytesSent");
    const syncs = counted(nodes, "syncsStarted");
    network.run(600_000);
    const syncBytes = counted(nodes, "syncBytesSent") - syncBytesBefore;
    return { bytes: network.bytesSent - bytesBefore, syncs, syncBytes };
  }

  it("soon say little more than beacons and heartbeats", () => {
    for (let seed = 1; seed <= 2; seed += 1) {
      const { bytes, syncs, syncBytes } = longAfter(seed, "keeps less");
      const alike = longAfter(seed, "not at all");
      expect(alike.syncs, `seed ${seed}`).toBe(0);
      expect(syncs, `seed ${seed}`).toBeGreaterThan(0);
      expect(syncBytes, `seed ${seed}`).toBeLessThan(3_000);
      expect(bytes, `seed ${seed}`).toBeLessThan(1.25 * alike.bytes);
    }
  });

  it("come to one exchange in ten minutes, each two of them", () => {
    const network = new SimNetwork(1, { lossPercent: 5 });
    const author = network.addNode("author");
    const trust = { ...TRUST_NOTHING, isBlocked: (device: string) => device === author.core.id };
    const others = ["b", "c", "d"].map((name) => network.addNode(name));
    const nodes = [
      author,
      ...others,
      ...["e", "f"].map((name) => network.addNode(name, { trust })),
    ];
    const [group = ""] = nodes.map((node) => node.join(GROUP));
    network.run(6_000);
    for (let i = 0; i < 60; i += 1) {
      nodes[i % 6]?.say(group, `line ${i}`);
      network.run(200);
    }
    network.run(660_000); // until they ask as rarely as they ever will
    const before = counted(nodes, "syncsStarted");
    network.run(3_000_000);
    const each = (counted(nodes, "syncsStarted") - before) / 8 / 5;
    expect(each).toBeGreaterThan(0);
    expect(each).toBeLessThanOrEqual(1.2); // ten minutes, and the turn of whoever asks
  });

  it("do not go on to ask for what one of them blocks", () => {
    for (let seed = 1; seed <= 2; seed += 1) {
      const { syncs, syncBytes } = longAfter(seed, "blocks the author");
      expect(syncs, `seed ${seed}`).toBeGreaterThan(0);
      expect(syncBytes, `seed ${seed}`).toBeLessThan(3_000);
    }
  });
});
