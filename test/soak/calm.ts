import { setTimeout as delay } from "node:timers/promises";
import { quietBudgetBytes } from "../support/groupTraffic.js";
import { differenceOf, exportOf } from "../support/histories.js";
import { GROUPS, membersOf } from "./groups.js";
import type { PromisedMessages } from "./promised.js";
import type { SoakHost } from "./soakHost.js";

/** What came of it when nothing happened any more. */
export interface Calm {
  /** What is not as it must be; empty if everything is. */
  readonly broken: readonly string[];
  /** Until all histories and rosters were equal and every outbox empty. */
  readonly convergedMs: number;
  /** Until the traffic was within its budget, and what it was then. */
  readonly quietMs: number;
  readonly quietBytesPerSecond: number;
  readonly budgetBytesPerSecond: number;
}

const CONVERGE_LIMIT_MS = 180_000;
const POLL_MS = 2_000;
const RECENT_LINES = 300;
/** Heartbeats take minutes to slow down, and sessions are closed when idle. */
const QUIET_LIMIT_MS = 420_000;
const QUIET_WINDOW_MS = 30_000;
/** A window has more beacons than another one by chance. */
const NEAR = 1.25;
/** Each beacon is sent by broadcast and by multicast, and most hosts are in two groups. */
const COPIES = 2;

/** Waits until everybody has everything and nobody says anything. */
export async function calmDown(
  hosts: readonly SoakHost[],
  promised: PromisedMessages,
): Promise<Calm> {
  const startMs = performance.now();
  const unsettled = await untilNone(CONVERGE_LIMIT_MS, async () => {
    // The whole of it only where the rest is as it must be: that is a lot to read.
    const early = [...(await openEnds(hosts)), ...(await differences(hosts, recentOf))];
    return early.length > 0 ? early : differences(hosts, wholeOf);
  });
  const convergedMs = performance.now() - startMs;
  const unkept = await promised.broken(hosts);
  const quiet = await untilQuiet(hosts);
  return {
    broken: [...unsettled, ...unkept, ...quiet.broken],
    convergedMs,
    quietMs: performance.now() - startMs,
    quietBytesPerSecond: quiet.bytesPerSecond,
    budgetBytesPerSecond: quiet.budgetBytesPerSecond,
  };
}

/** What is wrong when nothing is any more, or when the time is up. */
async function untilNone(limitMs: number, wrong: () => Promise<string[]>): Promise<string[]> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const found = await wrong();
    if (found.length === 0 || performance.now() > endMs) return found;
    await delay(POLL_MS);
  }
}

/** Queued messages, and peers and members that are not seen. */
async function openEnds(hosts: readonly SoakHost[]): Promise<string[]> {
  const ids = hosts.map(({ id }) => id);
  const ends = await Promise.all(
    hosts.map(async ({ name, id, index, api }) => {
      const [queued, peers, groups] = await Promise.all([
        api.call("outbox", {}),
        api.call("peers", {}),
        api.call("groups", {}),
      ]);
      const online = new Set(
        peers.filter(({ state }) => state === "online").map((peer) => peer.id),
      );
      const unseen = ids.filter((other) => other !== id && !online.has(other)).length;
      const short = GROUPS.filter(({ holds }) => holds(index)).flatMap((group) => {
        const line = groups.find((each) => each.type === "group" && each.group === group.label);
        const seen = line?.type === "group" ? line.members.length : 0;
        const wanted = membersOf(group, hosts).length - 1;
        return seen === wanted ? [] : [`${name} sees ${seen} of ${wanted} in ${group.label}`];
      });
      return [
        ...(queued.length === 0 ? [] : [`${name} still has ${queued.length} queued`]),
        ...(unseen === 0 ? [] : [`${name} does not see ${unseen} of the others`]),
        ...short,
      ];
    }),
  );
  return ends.flat();
}

function recentOf({ api }: SoakHost, group: string): ReturnType<typeof exportOf> {
  return api.call("history", { group, limit: RECENT_LINES });
}

function wholeOf({ api }: SoakHost, group: string): ReturnType<typeof exportOf> {
  return exportOf(api, { group });
}

/** Where members have another history than the first one; two histories at a time are in memory. */
async function differences(
  hosts: readonly SoakHost[],
  historyOf: (host: SoakHost, group: string) => ReturnType<typeof exportOf>,
): Promise<string[]> {
  const found: string[] = [];
  for (const group of GROUPS) {
    const [first, ...others] = membersOf(group, hosts);
    if (first === undefined) continue;
    const ours = await historyOf(first, group.label);
    for (const other of others) {
      const difference = differenceOf(ours, await historyOf(other, group.label));
      if (difference === undefined) continue;
      found.push(`${group.label} of ${first.name} and ${other.name}: ${difference}`);
    }
  }
  return found;
}

interface Quiet {
  readonly broken: readonly string[];
  readonly bytesPerSecond: number;
  readonly budgetBytesPerSecond: number;
}

async function untilQuiet(hosts: readonly SoakHost[]): Promise<Quiet> {
  const budget = (COPIES * quietBudgetBytes(hosts.length, QUIET_WINDOW_MS)) / QUIET_WINDOW_MS;
  const budgetBytesPerSecond = budget * 1000;
  const endMs = performance.now() + QUIET_LIMIT_MS;
  for (;;) {
    const [startMs, before] = [performance.now(), await sentBytes(hosts)];
    await delay(QUIET_WINDOW_MS);
    const sent = (await sentBytes(hosts)) - before;
    const bytesPerSecond = (1000 * sent) / (performance.now() - startMs);
    const isQuiet = bytesPerSecond <= NEAR * budgetBytesPerSecond;
    if (!isQuiet && performance.now() < endMs) continue;
    const words = `${Math.round(bytesPerSecond)} bytes/s, and the budget is ${Math.round(budgetBytesPerSecond)}`;
    const broken = isQuiet ? [] : [`never quiet: ${words}`];
    return { broken, bytesPerSecond, budgetBytesPerSecond };
  }
}

async function sentBytes(hosts: readonly SoakHost[]): Promise<number> {
  const sent = await Promise.all(
    hosts.map(async ({ api }) => (await api.call("status", {})).counters["socketBytesSent"] ?? 0),
  );
  return sent.reduce((sum, bytes) => sum + bytes, 0);
}
