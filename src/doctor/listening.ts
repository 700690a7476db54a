import { setTimeout as delay } from "node:timers/promises";
import type { StatusLine } from "../api/lines.js";
import type { LanAddress } from "../net/lan.js";
import type { Neighbour, Neighbours } from "./probes/neighbours.js";

/** Everybody announces himself in this time, on networks of up to 300. */
export const BEACONS_WITHIN_MS = 13_000;
/** How often those who don't answer are asked, and how often we show ourselves, meanwhile. */
const ASK_EVERY_MS = 500;
const ROUNDS_PER_BEACON = 4;
/** What is to come comes within so many rounds, where it is not a matter of luck. */
const MIN_ROUNDS = 3;
/** More of them would be a list, and no diagnosis. */
const MAX_HEARD = 8;

/** Somebody who is looked for. */
export type Wanted = LanAddress & Partial<Pick<Neighbour, "id" | "name">>;

export interface ListeningOptions {
  readonly neighbours: Neighbours;
  /** Who we are: what we hear of ourselves does not count. */
  readonly status: StatusLine;
  /** Whose silence is to be understood; default: everybody's. */
  readonly isMeant: (neighbour: Neighbour) => boolean;
  /** Where they are believed to be, and who, as far as that is known. */
  readonly wanted: readonly Wanted[];
  readonly signal: AbortSignal;
}

/**
 * Listens for announcements, and asks whoever is heard or wanted by discovery alone, until those who
 * are meant are understood or everybody had the time to be heard.
 */
export async function listenForSilent(options: ListeningOptions): Promise<Neighbour[]> {
  const { neighbours, isMeant, wanted, signal } = options;
  const untilMs = performance.now() + BEACONS_WITHIN_MS;
  let meant: Neighbour[] = [];
  for (let round = 0; !signal.aborted && performance.now() < untilMs; round += 1) {
    if (round % ROUNDS_PER_BEACON === 0) neighbours.announce();
    const others = heardOthers(options);
    for (const at of [...wanted, ...others]) neighbours.ask(at);
    await delay(ASK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    meant = heardOthers(options).filter(isMeant);
    const missing = wanted.filter((one) => !meant.some((other) => isAt(other, one)));
    if (round + 1 >= MIN_ROUNDS && missing.length === 0 && isAllUnderstood(meant)) break;
  }
  return meant.slice(0, MAX_HEARD).map((one) => {
    const believed = wanted.find((other) => isAt(one, other));
    return { ...one, id: one.id ?? believed?.id, name: one.name ?? believed?.name };
  });
}

/** Whoever asks us hears us: if his answers don't come by then, they never will. */
function isAllUnderstood(all: readonly Neighbour[]): boolean {
  return all.length > 0 && all.every(({ askedUs, answered }) => answered || askedUs);
}

function heardOthers({ neighbours, status }: ListeningOptions): Neighbour[] {
  const own = new Set(status.interfaces.map(({ address }) => address));
  return neighbours
    .list()
    .filter(
      ({ id, address, port }) => id !== status.id && !(own.has(address) && port === status.port),
    );
}

/** Both are the same. */
export function isAt(one: LanAddress, other: LanAddress): boolean {
  return one.address === other.address && one.port === other.port;
}
