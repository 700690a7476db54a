import { attackerOf } from "../attacker.js";
import type { HuntHost } from "../huntHost.js";
import type { Told } from "../ledger.js";
import type { HuntWorld } from "../world.js";
import { eachOnce, firstOf, type Invariant, memoryOf } from "./invariant.js";

/** Datagrams that were on their way, or waited for a host that did not run. */
const STALE_MS = 5_000;
/** 2.25 x 12.5 s of silence, and three questions (PROTOCOL 3.5). */
const ROSTER_MS = 31_000;

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
    watch: noteWhoRuns,
    broken(world) {
      notePauses(world);
      return ghosts(world);
    },
  },
  {
    name: "rosterComplete",
    what: "Everybody sees everybody online, and nobody else but strangers who said something lately.",
    when: "settled",
    broken: ({ hosts, ledger }) =>
      firstOf(
        hosts.filter(({ plan }) => plan.options?.announce !== false),
        (host) => strangeRoster(host, hosts, ledger),
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
    const isIt = (host: HuntHost): boolean => host.name === name;
    const sender = world.hosts.find(isIt) ?? world.clones.find(isIt);
    if (sender !== undefined) note(sender);
  });
}

/** Until when each host did not run, though its process lived: as far as it was seen. */
const lastPauseIn = memoryOf(() => new Map<HuntHost, number>());

function notePauses(world: HuntWorld): void {
  for (const host of world.hosts) {
    if (host.time.frozenUntilMs > world.nowMs) lastPauseIn(world).set(host, world.nowMs);
  }
}

const ghosts = eachOnce(({ ledger }: HuntWorld) => ledger.events, ghost);

function ghost({ host, event, atMs }: Told, world: HuntWorld): string | undefined {
  if (event.type !== "presence") return undefined;
  const { peer, event: change, group } = event.presence;
  if ((change !== "online" && change !== "join") || peer.id === null) return undefined;
  const lastMs = lastRunIn(world).get(peer.id);
  // A recording passes for a sign of life of whom the roster takes to be here.
  const staleMs = attackerOf(world).sent > 0 ? ROSTER_MS : STALE_MS;
  if (lastMs !== undefined && atMs <= lastMs + staleMs) return undefined;
  // It reads what waited for it while it did not run.
  const pausedMs = lastPauseIn(world).get(host);
  if (pausedMs !== undefined && atMs <= pausedMs + STALE_MS) return undefined;
  if (world.ledger.isAround(peer.id)) return undefined;
  return `${host.name} was told ${change} of ${peer.name} in ${group ?? "the roster"}, silent since ${lastMs}`;
}

function strangeRoster(
  host: HuntHost,
  hosts: readonly HuntHost[],
  ledger: HuntWorld["ledger"],
): string | undefined {
  const isShut = (other: HuntHost): boolean =>
    ledger.blocks.some(
      ({ by, whom, untilMs }) =>
        untilMs === Number.POSITIVE_INFINITY && by === host && whom === other,
    );
  const seen = (host.messenger?.peers() ?? [])
    .filter(({ id, state }) => state === "online" && !ledger.isAround(id))
    .map(({ id }) => hosts.find((other) => other.id === id)?.name ?? `stranger ${id.slice(0, 8)}`)
    .toSorted();
  const wanted = hosts
    .filter((other) => other !== host && other.plan.options?.announce !== false && !isShut(other))
    .map(({ name }) => name);
  if (seen.join() === wanted.toSorted().join()) return undefined;
  return `${host.name} sees ${seen.join(", ") || "nobody"}`;
}
