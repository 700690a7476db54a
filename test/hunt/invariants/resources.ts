import { MAX_DATAGRAM_BYTES } from "../../../src/wire/constants.js";
import type { HuntHost } from "../huntHost.js";
import type { HuntWorld } from "../world.js";
import { every, firstOf, type Invariant } from "./invariant.js";

/** To ask for the whole state is dear. */
const LOOK_EVERY_MS = 2500;

/** Timers of a process: some of its own, and those of calls, peers and retries that wait. */
const TIMERS_PER_PROCESS = 60;
const TIMERS_PER_CALL = 3;

/** What is used up. */
export const RESOURCES: readonly Invariant[] = [
  {
    name: "bounds",
    what: "What is bounded stays within its bounds.",
    when: "always",
    broken: every(LOOK_EVERY_MS, ({ hosts }) => firstOf(hosts, beyondBounds)),
  },
  {
    name: "datagramsFit",
    what: "No datagram has more than 1200 bytes.",
    when: "told",
    watch: (world) =>
      world.taps.add(({ name }, { bytes }) => {
        if (bytes.length <= MAX_DATAGRAM_BYTES) return;
        world.ledger.fault("datagramsFit", `${name} sent ${bytes.length} bytes`);
      }),
  },
  { name: "timePasses", what: "No host does anything for ever in one moment.", when: "told" },
  {
    name: "timersBounded",
    what: "A process has a few timers, and some for each call that waits.",
    when: "always",
    broken: (world) => firstOf(world.hosts, (host) => tooManyTimers(host, world)),
  },
];

function beyondBounds({ name, messenger }: HuntHost): string | undefined {
  if (messenger === undefined) return undefined;
  const { usage, limits } = messenger.status();
  const bounds: Readonly<Record<string, number>> = {
    // And as many again that are not proven to be there.
    peers: 2 * limits.peers,
    sessions: limits.sessions,
    halfOpenHandshakes: limits.halfOpenHandshakes,
    // One for each address that something waits for.
    dials: limits.sessions,
    reassemblyBytes: limits.reassemblyBytes,
    groupMembers: limits.groups * limits.membersPerGroup,
    groupHeldBytes: 16 * 1024 * 1024,
  };
  return firstOf(Object.entries(usage), ([what, used]) => {
    const bound = bounds[what];
    return bound === undefined || used > bound ? `${name} has ${used} ${what}` : undefined;
  });
}

function tooManyTimers(host: HuntHost, { ledger, hosts }: HuntWorld): string | undefined {
  const least = TIMERS_PER_PROCESS * hosts.length;
  if (host.timers <= least) return undefined;
  const waiting = [...ledger.waiting].filter(({ from }) => from === host).length;
  const queued = host.store?.outbox().length ?? 0;
  const bound = least + TIMERS_PER_CALL * (waiting + queued);
  return host.timers > bound ? `${host.name} has ${host.timers} timers` : undefined;
}
