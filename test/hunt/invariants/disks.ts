import type { MessageStore } from "../../../src/store/messageStore.js";
import type { HuntHost } from "../huntHost.js";
import type { Told } from "../ledger.js";
import type { HuntWorld } from "../world.js";
import { firstOf, type Invariant } from "./invariant.js";

/** What is kept, and what is told of the disk. */
export const DISKS: readonly Invariant[] = [
  {
    name: "keptStays",
    what: "What a process stored is there when it starts again, as far as it was: after its end all that is on the disk, after a power cut all up to the last batch that promised. What the disk did not take is lost with the process, what was in a damaged file with that.",
    when: "told",
  },
  {
    name: "failureTold",
    what: "Who goes on in memory because the disk fails says so (STORE_FAILED), and that it works again (STORE_RESTORED), each once.",
    when: "told",
    watch: (world) => {
      /** By host and start: what was told last. */
      const last = new Map<string, string>();
      world.ledger.toldListeners.add(({ host, run, event }) => {
        if (event.type !== "warning") return;
        const { code } = event.warning;
        if (code !== "STORE_FAILED" && code !== "STORE_RESTORED") return;
        const name = `${host.name} ${run}`;
        const before = last.get(name) ?? "STORE_RESTORED";
        if (before === code) world.ledger.fault("failureTold", `${name} told ${code} twice`);
        last.set(name, code);
      });
    },
  },
  {
    name: "diskTakesAll",
    what: "A disk that works again holds everything, also what came in the meantime.",
    when: "settled",
    // The dear look comes last, and at what has changed since.
    broken: ({ hosts }) => firstOf(hosts, keptInMemory) ?? firstOf(hosts, notOnDisk),
  },
];

function keptInMemory({ name, keeping }: HuntHost): string | undefined {
  return keeping.isWell ? undefined : `${name} still keeps messages in memory`;
}

/** Stores that held everything, after so many of their changes. Bounded by the worlds that live. */
const complete = new WeakMap<MessageStore, number>();

function notOnDisk({ name, store, keeping, storeChanges }: HuntHost): string | undefined {
  if (store === undefined || complete.get(store) === storeChanges) return undefined;
  const missing = keeping.missing(store);
  if (missing !== undefined) return `${missing} at ${name}`;
  complete.set(store, storeChanges);
  return undefined;
}

/** Its present run could not read, or not write, for a while: what the disk held came too late. */
export function hadNoDisk(host: HuntHost, { ledger }: HuntWorld): boolean {
  return ledger.events.some((told) => hadFailed(host, told) && told.run === host.starts);
}

/**
 * The same, or an earlier run of it that somebody may have asked who still runs: what it could not
 * give then is not fetched from it again for 10 minutes (PROTOCOL 6.8).
 */
export function couldNotGive(host: HuntHost, { ledger, hosts }: HuntWorld): boolean {
  return ledger.events.some((told) => {
    if (!hadFailed(host, told)) return false;
    const endedMs = host.startedAtMs(told.run + 1) ?? Number.POSITIVE_INFINITY;
    return hosts.some(
      (other) => other !== host && (other.startedAtMs(other.starts) ?? 0) < endedMs,
    );
  });
}

function hadFailed(host: HuntHost, { host: told, event }: Told): boolean {
  return told === host && event.type === "warning" && event.warning.code === "STORE_FAILED";
}
