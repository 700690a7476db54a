import type { MessageStore } from "../../../src/store/messageStore.js";
import type { HuntHost } from "../huntHost.js";
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
  return ledger.events.some(
    ({ host: told, run, event }) =>
      told === host &&
      run === host.starts &&
      event.type === "warning" &&
      event.warning.code === "STORE_FAILED",
  );
}
