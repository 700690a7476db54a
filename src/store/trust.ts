/** What is held of the keys that we met, and how much of it is kept. */
import { UdpchatError } from "../errors.js";

/** Pinned at first use; compared by the user; shut out by the user. */
export type StoredTrust = "known" | "verified" | "blocked";

/** One key. */
export interface TrustEntry {
  /** Public key, 64 hexadecimal digits. */
  readonly device: string;
  /** The nickname that it stands for here, as the peer wrote it. */
  readonly name: string;
  readonly trust: StoredTrust;
  /** ISO 8601 in UTC. */
  readonly firstSeenAt: string;
  /** Of the last decision about it, ISO 8601 in UTC. */
  readonly changedAt: string;
  /**
   * We sent to it, asked or decided something; otherwise it merely wrote to us. Of a blocked key:
   * before it was blocked, so that the name is still its own.
   */
  readonly byUs: boolean;
}

/** What becomes of one key: applied to what is stored by then, perhaps by another process. */
export interface TrustChange {
  readonly device: string;
  /** Undefined: there is no such entry, or there shall be none. */
  readonly apply: (current: TrustEntry | undefined) => TrustEntry | undefined;
}

/** What is stored. */
export interface TrustRecord {
  /** By device, the first seen first. */
  readonly entries: ReadonlyMap<string, TrustEntry>;
  /** The file was damaged: it lies here now, and what it said is not in `entries`. */
  readonly setAside: string | undefined;
  /** There was no usable file before this. */
  readonly fresh: boolean;
}

/** The keys that we met, across restarts. */
export interface TrustStore {
  load(): Promise<TrustRecord>;
  /**
   * Resolves with everything that is stored then; it would survive a power cut.
   * @throws UdpchatError HOME_UNUSABLE, LIMIT_REACHED
   */
  change(changes: readonly TrustChange[]): Promise<TrustRecord>;
  /** Calls back, at most once a second, when it may have been changed; returns how to end that. */
  watch(changed: () => void): () => void;
}

/** Keys that are only known; of these, those that merely wrote to us. */
export const MAX_KNOWN = 4096;
export const MAX_KNOWN_BY_THEM = 1024;
/** Verified and blocked ones are never forgotten: the user makes each by hand. */
export const MAX_DECIDED = 16_384;

/**
 * Changes and bounds. Too many that are only known: the first seen go, and those by our own doing
 * never for those who merely wrote to us.
 * @throws UdpchatError LIMIT_REACHED for more decisions than are kept
 */
export function changedEntries(
  before: ReadonlyMap<string, TrustEntry>,
  changes: readonly TrustChange[],
): Map<string, TrustEntry> {
  const entries = new Map(before);
  for (const { device, apply } of changes) {
    const next = apply(entries.get(device));
    if (next === undefined) entries.delete(device);
    else entries.set(device, next);
  }
  const known = [...entries.values()].filter(({ trust }) => trust === "known");
  if (entries.size - known.length > MAX_DECIDED) {
    throw new UdpchatError("LIMIT_REACHED", `at most ${MAX_DECIDED} keys are verified or blocked`, {
      remedy: "unblock some first",
    });
  }
  const byThem = known.filter(({ byUs }) => !byUs);
  const byUs = known.filter((entry) => entry.byUs);
  const keptOfThem = Math.min(MAX_KNOWN_BY_THEM, Math.max(0, MAX_KNOWN - byUs.length));
  const forgotten = [...beyond(byThem, keptOfThem), ...beyond(byUs, MAX_KNOWN)];
  for (const { device } of forgotten) entries.delete(device);
  return entries;
}

/** The first seen ones that are more than `count`. */
function beyond(entries: readonly TrustEntry[], count: number): readonly TrustEntry[] {
  if (entries.length <= count) return [];
  const oldestFirst = entries.toSorted((a, b) => compare(a.firstSeenAt, b.firstSeenAt));
  return oldestFirst.slice(0, entries.length - count);
}

/** ISO 8601 in UTC of four-digit years sorts as text. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Trust that lasts as long as the process. */
export class MemoryTrust implements TrustStore {
  /** Bounded by `changedEntries`. */
  #entries: ReadonlyMap<string, TrustEntry> = new Map();

  async load(): Promise<TrustRecord> {
    return { entries: this.#entries, setAside: undefined, fresh: false };
  }

  async change(changes: readonly TrustChange[]): Promise<TrustRecord> {
    this.#entries = changedEntries(this.#entries, changes);
    return this.load();
  }

  /** Nobody else can change it. */
  watch(): () => void {
    return () => undefined;
  }
}
