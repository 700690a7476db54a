import { MemoryMessageStore } from "../store/memoryMessageStore.js";
import type { MessageStore } from "../store/messageStore.js";
import { NullMessageStore } from "../store/nullMessageStore.js";
import { openDatabase } from "../store/openDatabase.js";
import type { Paths } from "../store/paths.js";
import { MIGRATIONS } from "../store/schema.js";
import { loadEngine } from "../store/sqliteEngine.js";
import { SqlMessageStore } from "../store/sqlMessageStore.js";
import type { Clock } from "./clock.js";
import type { MessengerOptions, Warning } from "./types.js";

/** Messages kept at most, whatever the retention. */
const MAX_MESSAGES = 1_000_000;
const PRUNE_INTERVAL_MS = 3_600_000;
/** Forgotten at a time, and the pause until the next: nothing else waits long for it. */
const PRUNED_AT_ONCE = 2000;
const PRUNE_PAUSE_MS = 250;
/** How often a disk that failed is tried again. */
const RETRY_INTERVAL_MS = 10_000;

/** A store of messages, and what keeps it in order. */
export class KeptMessages {
  readonly store: MessageStore;
  /** Something is kept, for as long as the process or longer. */
  readonly keeps: boolean;
  readonly #retry: () => void;
  #cancelTimers: () => void = () => undefined;

  constructor(store: MessageStore, keeps: boolean, retry: () => void = () => undefined) {
    this.store = store;
    this.keeps = keeps;
    this.#retry = retry;
  }

  /** Forgets what is too old, and tries a failed disk again, until `close`. */
  maintain(clock: Clock, retentionMs: number | undefined): void {
    if (!this.keeps) return;
    let cancelPrune: () => void = () => undefined;
    const prune = (): void => {
      const beforeMs = retentionMs === undefined ? undefined : clock.wallMs() - retentionMs;
      const pruned = this.store.prune(beforeMs, MAX_MESSAGES, PRUNED_AT_ONCE);
      const pauseMs = pruned < PRUNED_AT_ONCE ? PRUNE_INTERVAL_MS : PRUNE_PAUSE_MS;
      cancelPrune = clock.after(pauseMs, prune);
    };
    prune();
    let cancelRetry: () => void = () => undefined;
    const retry = (): void => {
      cancelRetry = clock.after(RETRY_INTERVAL_MS, retry);
      this.#retry();
    };
    cancelRetry = clock.after(RETRY_INTERVAL_MS, retry);
    this.#cancelTimers = () => {
      cancelPrune();
      cancelRetry();
    };
  }

  close(): void {
    this.#cancelTimers();
    this.store.close();
  }
}

/**
 * @param warn what goes less well than asked for, now and later
 * @throws UdpchatError HOME_UNUSABLE, NO_SQLITE, STORE_UNUSABLE
 */
export async function openKeptMessages(
  { store: place, ephemeral = false }: Pick<MessengerOptions, "store" | "ephemeral">,
  paths: Paths | undefined,
  warn: (warning: Warning) => void,
): Promise<KeptMessages> {
  if (place === "none") return new KeptMessages(new NullMessageStore(), false);
  if (ephemeral || place === "memory" || paths === undefined) {
    return new KeptMessages(new MemoryMessageStore(), true);
  }
  const opened = await openDatabase(await loadEngine(), paths.databaseFile, MIGRATIONS);
  if (opened.setAside !== undefined) warn(damaged(opened.setAside));
  return new KeptMessages(new SqlMessageStore(opened.database), true);
}

function damaged(path: string): Warning {
  const message = `the database of messages was damaged: it was kept as ${path}, and a new one begun`;
  return { code: "STORE_DAMAGED", message, peer: null };
}
