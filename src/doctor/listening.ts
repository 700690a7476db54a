import { setTimeout as delay } from "node:timers/promises";
import type { StatusLine } from "../api/lines.js";
import type { LanAddress } from "../net/lan.js";
import { type Neighbour, type Neighbours, unheard } from "./probes/neighbours.js";

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
  readonly status: Pick<StatusLine, "id" | "port" | "interfaces">;
  /** Whose silence is to be understood; default: everybody's. */
  readonly isMeant: (neighbour: Neighbour) => boolean;
  /** Where they are: they were there before, or somebody pointed us there. */
  readonly wanted: readonly Wanted[];
  /** Where they only said that they are. */
  readonly doubtful: readonly Wanted[];
  readonly signal: AbortSignal;
}

/**
 * Listens for announcements, and asks whoever is wanted, and a few times whoever is heard, by
 * discovery alone, until those who are meant are understood or everybody had the time to be heard.
 */
export async function listenForSilent(options: ListeningOptions): Promise<Neighbour[]> {
  const { neighbours, isMeant, wanted, doubtful, signal } = options;
  const believed = [...wanted, ...doubtful];
  const untilMs = performance.now() + BEACONS_WITHIN_MS;
  let meant: Neighbour[] = [];
  for (let round = 0; !signal.aborted && performance.now() < untilMs; round += 1) {
    if (round % ROUNDS_PER_BEACON === 0) neighbours.announce();
    for (const at of wanted) neighbours.ask(at);
    for (const other of heardOthers(options)) {
      if (!believed.some((one) => isAt(other, one))) neighbours.askBack(other);
    }
    for (const one of doubtful) neighbours.askBack({ ...unheard(one), announced: true });
    await delay(ASK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    meant = heardOthers(options).filter(isMeant);
    const missing = believed.filter((one) => !meant.some((other) => isAt(other, one)));
    if (round + 1 >= MIN_ROUNDS && missing.length === 0 && isAllUnderstood(meant)) break;
  }
  return meant.slice(0, MAX_HEARD).map((one) => {
    const known = believed.find((other) => isAt(one, other));
    return { ...one, id: one.id ?? known?.id, name: one.name ?? known?.name };
  });
}

/** Whoever asks us hears us: if his answers don't come by then, they never will. */
function isAllUnderstood(all: readonly Neighbour[]): boolean {
  return all.length > 0 && all.every(({ askedUs, answered }) => answered || askedUs);
}

/** Whoever only asked us, unsigned, may be anybody, and was not asked whether he hears us. */
function heardOthers({ neighbours, status, wanted, doubtful }: ListeningOptions): Neighbour[] {
  const own = new Set(status.interfaces.map(({ address }) => address));
  const believed = [...wanted, ...doubtful];
  return neighbours
    .list()
    .filter((one) => one.announced || one.answered || believed.some((other) => isAt(one, other)))
    .filter(
      ({ id, address, port }) => id !== status.id && !(own.has(address) && port === status.port),
    );
}

/** Both are the same. */
export function isAt(one: LanAddress, other: LanAddress): boolean {
  return one.address === other.address && one.port === other.port;
}
