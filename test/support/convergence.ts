import { expect } from "vitest";
import { decodeUtf8 } from "../../src/wire/cursor.js";
import type { SimNetwork, SimNode } from "./simNetwork.js";

const LOOK_EVERY_MS = 100;

/** What a node shows of a group: its own lines and those of others, in the order of display. */
export function shownLines(node: SimNode, groupId: string): string[] {
  const own = node.ofKind("groupSaid").map(({ groupId: of, hlc, messageId, body }) => ({
    of,
    hlc,
    id: node.core.id,
    messageId,
    body,
  }));
  const others = node.ofKind("groupMessage").map(({ groupId: of, hlc, messageId, from, body }) => ({
    of,
    hlc,
    id: from.id,
    messageId,
    body,
  }));
  return [...own, ...others]
    .filter(({ of }) => of === groupId)
    .toSorted((a, b) => a.hlc - b.hlc || compare(a.id, b.id) || compare(a.messageId, b.messageId))
    .map(({ id, body }) => `${id.slice(0, 8)} ${decodeUtf8(body)}`);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Which datagrams a node keeps of a group, in one line. */
function heldOf(node: SimNode, groupId: string): string {
  return node.log
    .streams(groupId)
    .map(({ device, incarnation, ranges }) => `${device} ${incarnation} ${JSON.stringify(ranges)}`)
    .toSorted()
    .join("\n");
}

/** All of them keep the same. */
function converged(nodes: readonly SimNode[], groupId: string): boolean {
  const [first, ...others] = nodes.map((node) => heldOf(node, groupId));
  return others.every((held) => held === first);
}

/** Runs until all of them keep the same, at most `spanMs`; true if it was reached. Looks now and then. */
export function runUntilConverged(
  network: SimNetwork,
  nodes: readonly SimNode[],
  groupId: string,
  spanMs: number,
): boolean {
  for (let leftMs = spanMs; leftMs > 0; leftMs -= LOOK_EVERY_MS) {
    if (converged(nodes, groupId)) return true;
    network.run(LOOK_EVERY_MS);
  }
  return converged(nodes, groupId);
}

/** All of them show the same lines in the same order, each once. */
export function expectSameLines(
  network: SimNetwork,
  nodes: readonly SimNode[],
  groupId: string,
): string[] {
  const [first = [], ...others] = nodes.map((node) => shownLines(node, groupId));
  for (const shown of others) expect(shown, `seed ${network.seed}`).toEqual(first);
  expect(new Set(first).size, `seed ${network.seed}`).toBe(first.length);
  return first;
}

/** Sums a counter over nodes. */
export function counted(
  nodes: readonly SimNode[],
  name: keyof ReturnType<SimNode["core"]["counters"]>,
): number {
  return nodes.reduce((sum, node) => sum + node.core.counters()[name], 0);
}
