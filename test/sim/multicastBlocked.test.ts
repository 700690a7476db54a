import { describe, expect, it } from "vitest";
import type { CoreOptions } from "../../src/core/core.js";
import type { GroupKeys } from "../../src/core/io.js";
import type { Faults } from "../support/simMedium.js";
import { SimNetwork, type SimNode } from "../support/simNetwork.js";

const KEYS: GroupKeys = {
  epoch: 0,
  key: "5e".repeat(32),
  retired: [],
  removed: [],
  change: undefined,
};

interface Lan {
  readonly net: SimNetwork;
  readonly nodes: readonly [SimNode, SimNode, SimNode];
  readonly groupId: string;
}

/** Three nodes that have met. `block`: which multicast is dropped, from the start. */
function lan(
  seed: number,
  options: {
    readonly faults?: Partial<Faults>;
    readonly block?: SimNetwork["multicastBlocked"];
    readonly secret?: boolean;
    readonly node?: (index: number) => Partial<CoreOptions>;
  } = {},
): Lan {
  const net = new SimNetwork(seed, options.faults);
  if (options.block !== undefined) net.multicastBlocked = options.block;
  const add = (index: number): SimNode => net.addNode(`n${index}`, options.node?.(index) ?? {});
  const nodes = [add(0), add(1), add(2)] as const;
  net.run(5000);
  const join = (node: SimNode): string =>
    options.secret === true ? node.joinSecret("#ops", KEYS) : node.join("#ops");
  const [groupId = ""] = nodes.map(join);
  return { net, nodes, groupId };
}

/** Each says so many lines, in turn. Returns them by the sender's name. */
function talk({ net, nodes, groupId }: Lan, what: string, count: number): Map<string, string[]> {
  const said = new Map<string, string[]>(nodes.map(({ name }) => [name, []]));
  for (let i = 0; i < count; i += 1) {
    for (const node of nodes) {
      const text = `${what} ${i} of ${node.name}`;
      said.get(node.name)?.push(text);
      node.say(groupId, text);
      net.run(100);
    }
  }
  return said;
}

function expectHeard({ nodes, groupId }: Lan, ...talks: readonly Map<string, string[]>[]): void {
  for (const node of nodes) {
    for (const other of nodes) {
      if (other === node) continue;
      const lines = talks.flatMap((said) => said.get(other.name) ?? []);
      expect(node.linesFrom(other, groupId)).toEqual(lines);
    }
  }
}

/** What a node told of the ways of its group, from one change of the kind to the next. */
function transports(node: SimNode): string[] {
  const told = node.ofKind("groupTransport").map(({ transport }) => transport);
  return told.filter((transport, i) => transport !== told[i - 1]);
}

function online({ nodes, groupId }: Lan): number[] {
  return nodes.map((node) => node.core.members(groupId).filter((member) => member.online).length);
}

const everything = (): boolean => true;

describe("a LAN that drops multicast", () => {
  it.each([1, 2, 3])("has the group by copies, and says so once (seed %i)", (seed) => {
    const blocked = lan(seed, { block: everything });
    const { net, nodes, groupId } = blocked;
    net.run(20_000);
    expect(online(blocked)).toEqual([2, 2, 2]);
    const said = talk(blocked, "line", 20);
    net.run(120_000);
    expectHeard(blocked, said);
    for (const node of nodes) {
      expect(transports(node)).toEqual(["unicast"]);
      const ways = { transport: "unicast", copies: 2, unheard: 2 };
      expect(node.core.transportOf(groupId)).toEqual(ways);
    }
  });

  it.each([1, 2, 3])("at 10 percent loss as well (seed %i)", (seed) => {
    const blocked = lan(seed, { block: everything, faults: { lossPercent: 10 } });
    blocked.net.run(30_000);
    const said = talk(blocked, "line", 30);
    blocked.net.run(60_000);
    expectHeard(blocked, said);
    for (const node of blocked.nodes) expect(transports(node).at(-1)).toBe("unicast");
  });

  it("is noticed in the middle of the talk, and so is the end of it", () => {
    const changing = lan(4);
    const { net, nodes, groupId } = changing;
    net.run(10_000);
    const before = talk(changing, "before", 10);
    net.multicastBlocked = everything;
    const amid = talk(changing, "amid", 300);
    for (const node of nodes) expect(transports(node).at(-1)).toBe("unicast");
    net.multicastBlocked = () => false;
    const after = talk(changing, "after", 150);
    net.run(60_000);
    expectHeard(changing, before, amid, after);
    for (const node of nodes) {
      const extremes = transports(node).filter((transport) => transport !== "mixed");
      expect(extremes).toEqual(["unicast", "multicast"]);
      expect(node.core.transportOf(groupId)?.copies).toBe(0);
    }
    const sent = nodes.map((node) => node.core.counters().groupCopiesSent);
    talk(changing, "quiet", 5);
    net.run(60_000);
    expect(nodes.map((node) => node.core.counters().groupCopiesSent)).toEqual(sent);
  });

  it("in one direction: both sides say so, and nobody else sends copies", () => {
    const oneWay = lan(5, { block: (from, to) => from.name === "n0" && to.name === "n1" });
    const { net, nodes, groupId } = oneWay;
    net.run(30_000);
    const said = talk(oneWay, "line", 20);
    net.run(30_000);
    expectHeard(oneWay, said);
    const ways = nodes.map((node) => node.core.transportOf(groupId));
    expect(ways).toEqual([
      { transport: "mixed", copies: 1, unheard: 0 },
      { transport: "mixed", copies: 0, unheard: 1 },
      { transport: "multicast", copies: 0, unheard: 0 },
    ]);
    expect(transports(nodes[2])).toEqual([]);
    expect(nodes[2].core.counters().groupCopiesSent).toBe(0);
  });

  it("has a secret group as well, and nothing in clear", () => {
    const wire: Buffer[] = [];
    const secret = lan(6, { block: everything, secret: true });
    secret.net.tap = (_from, { bytes }) => wire.push(Buffer.from(bytes));
    secret.net.run(20_000);
    const said = talk(secret, "private", 20);
    secret.net.run(30_000);
    expectHeard(secret, said);
    expect(wire.some((bytes) => bytes.includes(Buffer.from("private")))).toBe(false);
    for (const node of secret.nodes) expect(transports(node)).toEqual(["unicast"]);
  });

  it.each([
    ["both ways", everything],
    ["towards it", (_from: SimNode, to: SimNode) => to.name === "n2"],
    ["from it", (from: SimNode) => from.name === "n2"],
  ])("reaches who does not announce itself: %s", (_what, block) => {
    const passing = lan(7, { block, node: (index) => ({ announce: index !== 2 }) });
    passing.net.run(40_000);
    expect(online(passing)).toEqual([2, 2, 2]);
    const said = talk(passing, "line", 20);
    passing.net.run(10 * 60_000);
    const later = talk(passing, "later", 20);
    passing.net.run(30_000);
    expectHeard(passing, said, later);
  });
});

describe("a LAN that loses datagrams", () => {
  it.each([
    [20, 1],
    [20, 2],
    [30, 3],
    [30, 4],
    [30, 5],
  ])("is no LAN that drops multicast: %i percent (seed %i)", (lossPercent, seed) => {
    const lossy = lan(seed, { faults: { lossPercent } });
    for (let minute = 0; minute < 5; minute += 1) {
      lossy.net.run(60_000);
      talk(lossy, `minute ${minute}`, 5);
    }
    for (const node of lossy.nodes) expect(transports(node)).toEqual([]);
  });
});
