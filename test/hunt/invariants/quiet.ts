import { DatagramType } from "../../../src/wire/constants.js";
import type { HuntWorld } from "../world.js";
import { firstOf, type Invariant, memoryOf } from "./invariant.js";

/** Conversations are pinged for two minutes after their last use (PROTOCOL 5.5). */
export const BEFORE_QUIET_MS = 150_000;
export const QUIET_MS = 180_000;
/** The shortest pauses: 10 s x 0.75 (PROTOCOL 3.1), 30 s x 0.75 (6.3). */
const BEACON_MS = 7_500;
const HEARTBEAT_MS = 22_500;
/** An ask, an offer, and 120 s of pings of 15 s with their answers. */
const EXCHANGE_DATAGRAMS = 24;
/** Before it, if the session is worn out by then: once more for a cookie, and twice in that time. */
const EXCHANGE_INITS = 2 * 2;
/** What answers them, and all once more if the first packet overtook what ends the handshake. */
const EXCHANGE_REPLIES = 2 * 4;
/**
 * To an address where nobody answers: after 150 s of trying the pauses are 40 s and longer, and
 * an attempt sends 30.
 */
const INITS_TO_NOBODY = 3 * 30;
/** Timers that run in a process at rest, and for each peer and group. */
const TIMERS_AT_REST = 12;
const TIMERS_EACH = 4;

/** What a world does that wants nothing. */
export const QUIET: readonly Invariant[] = [
  {
    name: "quietTraffic",
    what: "At rest each host sends a beacon in 7.5 s at most and a heartbeat for each group in 22.5 s, and nothing else but goodbyes of sessions, and now and then a handshake to an address where nobody is for whom something is queued, or an exchange of members that differ for good, with the handshake for it: no repeats, no questions.",
    when: "quiet",
    watch: countDatagrams,
    broken: tooMuchSaid,
  },
  {
    name: "quietTimers",
    what: "At rest few timers run.",
    when: "quiet",
    broken: ({ hosts }) =>
      firstOf(hosts, ({ name, timers, groups }) =>
        timers > TIMERS_AT_REST + TIMERS_EACH * (hosts.length + groups.size)
          ? `${name} has ${timers} timers`
          : undefined,
      ),
  },
  {
    name: "quietMemory",
    what: "At rest nothing that is bounded grows.",
    when: "quiet",
    broken: hasGrown,
  },
];

interface Rest {
  /** By host and kind of datagram. */
  readonly sent: Map<string, number>;
  /** By host: of what is bounded, how much was in use when it became quiet. */
  readonly usage: Map<string, Readonly<Record<string, number>>>;
}

const restOf = memoryOf<Rest>(() => ({ sent: new Map(), usage: new Map() }));

/** Nobody wants anything from now on. */
export function becomesQuiet(world: HuntWorld): void {
  world.ledger.quietSinceMs = world.nowMs;
  for (const { name, messenger } of world.hosts) {
    if (messenger !== undefined) restOf(world).usage.set(name, messenger.status().usage);
  }
}

function countDatagrams(world: HuntWorld): void {
  world.taps.add(({ name }, { bytes }) => {
    if (world.ledger.quietSinceMs === undefined) return;
    const { sent } = restOf(world);
    const kind = `${name} ${kindOf(bytes)}`;
    sent.set(kind, (sent.get(kind) ?? 0) + 1);
  });
}

type Kind = "beacon" | "group" | "sealed" | "handshake" | "handshakeReply" | "reset" | "other";

function kindOf(bytes: Uint8Array): Kind {
  switch (bytes[2]) {
    case DatagramType.beacon:
      return "beacon";
    case DatagramType.groupHeartbeat:
    case DatagramType.groupSealed:
      return "group";
    case DatagramType.sealed:
      return "sealed";
    case DatagramType.handshakeInit:
      return "handshake";
    case DatagramType.handshakeResponse:
    case DatagramType.handshakeFinish:
    case DatagramType.cookie:
      return "handshakeReply";
    case DatagramType.reset:
      return "reset";
    default:
      return "other";
  }
}

function tooMuchSaid(world: HuntWorld): string | undefined {
  const { sent } = restOf(world);
  return firstOf(world.hosts, ({ name, groups, store }) => {
    const nobodies = (store?.recipients() ?? []).filter(({ device }) => device === "").length;
    const others = world.hosts.length - 1;
    const differing = mayDiffer(world) ? others : 0;
    const most: Readonly<Record<Kind, number>> = {
      beacon: Math.ceil(QUIET_MS / BEACON_MS),
      group: groups.size * Math.ceil(QUIET_MS / HEARTBEAT_MS),
      // A goodbye for each session, and its acknowledgement. Members that differ for good look at
      // one another now and then (PROTOCOL 6.8), and a conversation is pinged for two minutes.
      sealed: 2 * others + EXCHANGE_DATAGRAMS * differing,
      handshake: INITS_TO_NOBODY * nobodies + EXCHANGE_INITS * differing,
      handshakeReply: EXCHANGE_REPLIES * differing,
      // When both say goodbye at once.
      reset: others,
      other: 0,
    };
    return firstOf(Object.entries(most), ([kind, bound]) => {
      const count = sent.get(`${name} ${kind}`) ?? 0;
      return count > bound ? `${name} sent ${count} ${kind} in ${QUIET_MS} ms of rest` : undefined;
    });
  });
}

/** Not all can read everything, or a disk could not be read when its host started. */
function mayDiffer({ ledger }: HuntWorld): boolean {
  return (
    ledger.changing.size > 0 ||
    ledger.events.some(
      ({ event }) => event.type === "warning" && event.warning.code === "STORE_FAILED",
    )
  );
}

function hasGrown(world: HuntWorld): string | undefined {
  return firstOf(world.hosts, ({ name, messenger }) => {
    const before = restOf(world).usage.get(name);
    if (messenger === undefined || before === undefined) return undefined;
    return firstOf(Object.entries(messenger.status().usage), ([what, used]) => {
      const was = before[what] ?? 0;
      return used > was ? `${name} has ${used} ${what} after ${was}` : undefined;
    });
  });
}
