import type { HuntHost } from "../huntHost.js";
import type { Told } from "../ledger.js";
import type { HuntWorld } from "../world.js";
import { eachOnce, firstOf, type Invariant, memoryOf } from "./invariant.js";

/** Datagrams that were on their way, or waited for a host that did not run. */
const STALE_MS = 5_000;

/** Who is there, as users are told. */
export const PRESENCE: readonly Invariant[] = [
  {
    name: "presenceAlternates",
    what: "Nobody comes who is there or goes who is not, and the count beside it is right.",
    when: "always",
    broken: eachOnce(({ ledger }) => ledger.events, presenceWrong()),
  },
  {
    name: "presentIsThere",
    what: "Nobody is said to come who has not run for long.",
    when: "always",
    broken: eachOnce(({ ledger }) => ledger.events, ghost),
    watch: noteWhoRuns,
  },
  {
    name: "rosterComplete",
    what: "Everybody sees everybody online, and nobody else.",
    when: "settled",
    broken: ({ hosts, ledger }) =>
      firstOf(
        hosts.filter(({ plan }) => plan.options?.announce !== false),
        (host) => strangeRoster(host, hosts, ledger.blocks),
      ),
  },
];

function presenceWrong(): (told: Told, world: HuntWorld) => string | undefined {
  const presentIn = memoryOf(() => new Map<string, Set<string>>());
  return ({ host, run, event }, world) => {
    if (event.type !== "presence") return undefined;
    const { group, peer, event: change, online } = event.presence;
    const membership = group === null ? 0 : (host.memberships.get(group) ?? 0);
    const where = `${host.name} ${run} ${group ?? "roster"} ${membership}`;
    const memory = presentIn(world);
    const present = memory.get(where) ?? new Set();
    memory.set(where, present);
    const name = peer.id ?? peer.name;
    const what = `${host.name} was told ${change} of ${peer.name} in ${group ?? "the roster"}`;
    const comes = change === "online" || change === "join";
    if (comes === present.has(name)) return `${what}, who is ${comes ? "there" : "not there"}`;
    if (comes) present.add(name);
    else present.delete(name);
    const count = present.size + (group === null ? 0 : 1);
    return online === count ? undefined : `${what} as of ${online}, and ${count} are there`;
  };
}

/** When each host was seen to run last. */
const lastRunIn = memoryOf(() => new Map<string, number>());

function noteWhoRuns(world: HuntWorld): void {
  const note = (host: HuntHost): void => {
    if (host.isUp) lastRunIn(world).set(host.id, world.nowMs);
  };
  world.taps.add(({ name }) => {
    const sender = world.hosts.find((host) => host.name === name);
    if (sender !== undefined) note(sender);
  });
}

function ghost({ host, event, atMs }: Told, world: HuntWorld): string | undefined {
  if (event.type !== "presence") return undefined;
  const { peer, event: change, group } = event.presence;
  if ((change !== "online" && change !== "join") || peer.id === null) return undefined;
  const lastMs = lastRunIn(world).get(peer.id);
  if (lastMs !== undefined && atMs <= lastMs + STALE_MS) return undefined;
  // It reads what waited for it while it did not run.
  const { frozenUntilMs } = host.time;
  if (frozenUntilMs > 0 && atMs <= frozenUntilMs + STALE_MS) return undefined;
  return `${host.name} was told ${change} of ${peer.name} in ${group ?? "the roster"}, silent since ${lastMs}`;
}

function strangeRoster(
  host: HuntHost,
  hosts: readonly HuntHost[],
  blocks: HuntWorld["ledger"]["blocks"],
): string | undefined {
  const isShut = (other: HuntHost): boolean =>
    blocks.some(
      ({ by, whom, untilMs }) =>
        untilMs === Number.POSITIVE_INFINITY && by === host && whom === other,
    );
  const seen = (host.messenger?.peers() ?? [])
    .filter(({ state }) => state === "online")
    .map(({ id }) => hosts.find((other) => other.id === id)?.name ?? `stranger ${id.slice(0, 8)}`)
    .toSorted();
  const wanted = hosts
    .filter((other) => other !== host && other.plan.options?.announce !== false && !isShut(other))
    .map(({ name }) => name);
  if (seen.join() === wanted.toSorted().join()) return undefined;
  return `${host.name} sees ${seen.join(", ") || "nobody"}`;
}
