import { forgetSaidBefore } from "../store/groupLogRetention.js";
import { MemoryMessageStore } from "../store/memoryMessageStore.js";
import type { MessageStore } from "../store/messageStore.js";
import { NullMessageStore } from "../store/nullMessageStore.js";
import { openMessageStore } from "../store/openMessageStore.js";
import type { Paths } from "../store/paths.js";
import type { Clock } from "./clock.js";
import type { MessengerOptions, Warning } from "./types.js";

/** Messages kept at most, whatever the retention. */
const MAX_MESSAGES = 1_000_000;
const PRUNE_INTERVAL_MS = 3_600_000;
/** How long forgetting may go on, and the pause until the next turn: others wait no longer. */
const PRUNE_TURN_MS = 15;
const PRUNE_PAUSE_MS = 250;
/** How often somebody looks after the disk. */
const RETRY_INTERVAL_MS = 5000;

/** A store of messages, and what keeps it in order. */
export class KeptMessages {
  readonly store: MessageStore;
  /** Something is kept, for as long as the process or longer. */
  readonly keeps: boolean;
  readonly #retry: (nowMs: number) => Promise<void>;
  #cancelTimers: () => void = () => undefined;
  #retain: (retentionMs: number | undefined) => void = () => undefined;

  /** @param retry tries a disk that failed again; by default there is none */
  constructor(
    store: MessageStore,
    keeps: boolean,
    retry: (nowMs: number) => Promise<void> = async () => undefined,
  ) {
    this.store = store;
    this.keeps = keeps;
    this.#retry = retry;
  }

  /**
   * Forgets what is too old, and tries a failed disk again, until `close`.
   * @param forgetBefore of groups that are joined, what was said before it (milliseconds since
   *   1970); of the others the store forgets it
   */
  maintain(
    clock: Clock,
    retentionMs: number | undefined,
    forgetBefore: (beforeMs: number) => void = () => undefined,
  ): void {
    if (!this.keeps) return;
    this.#retain = (otherMs) => {
      this.#cancelTimers();
      // The bound of the core goes on with time, until it is given another one.
      if (otherMs === undefined) forgetBefore(0);
      this.maintain(clock, otherMs, forgetBefore);
    };
    let cancelPrune: () => void = () => undefined;
    const prune = (): void => {
      const beforeMs = retentionMs === undefined ? undefined : clock.wallMs() - retentionMs;
      const isDone = this.store.batch("soon", () => {
        const endMs = clock.nowMs() + PRUNE_TURN_MS;
        // One by one: it takes 0.1 ms, or 50 ms if there are 64 KiB of text to be found no more.
        while (clock.nowMs() < endMs) {
          if (this.store.prune(beforeMs, MAX_MESSAGES, 1) === 0) return true;
        }
        return false;
      });
      cancelPrune = clock.after(isDone ? PRUNE_INTERVAL_MS : PRUNE_PAUSE_MS, prune);
    };
    prune();
    const cancelForget =
      retentionMs === undefined ? undefined : this.#forgetSaid(clock, retentionMs, forgetBefore);
    let cancelRetry: () => void = () => undefined;
    const retry = (): void => {
      cancelRetry = clock.after(RETRY_INTERVAL_MS, retry);
      void this.#retry(clock.nowMs());
    };
    cancelRetry = clock.after(RETRY_INTERVAL_MS, retry);
    this.#cancelTimers = () => {
      cancelPrune();
      cancelForget?.();
      cancelRetry();
    };
  }

  /** Goes on with another retention than before; undefined: nothing is forgotten for its age. */
  retain(retentionMs: number | undefined): void {
    this.#retain(retentionMs);
  }

  /** Group datagrams. Returns what ends it. */
  #forgetSaid(
    clock: Clock,
    retentionMs: number,
    forgetBefore: (beforeMs: number) => void,
  ): () => void {
    const { log } = this.store;
    let cancel: () => void = () => undefined;
    /** One group in each turn: the first time it may be all that is kept of it. */
    const next = (groupIds: readonly string[], beforeMs: number): void => {
      const [groupId, ...rest] = groupIds;
      if (groupId === undefined) {
        cancel = clock.after(PRUNE_INTERVAL_MS, begin);
        return;
      }
      this.store.batch("soon", () => forgetSaidBefore(log, groupId, beforeMs));
      cancel = clock.after(PRUNE_PAUSE_MS, () => next(rest, beforeMs));
    };
    const begin = (): void => {
      const beforeMs = clock.wallMs() - retentionMs;
      // The core goes by the same log: both forget the same.
      forgetBefore(beforeMs);
      next(log.groupIds(), beforeMs);
    };
    begin();
    return () => cancel();
  }

  close(): void {
    this.#cancelTimers();
    this.#retain = () => undefined;
    this.store.close();
  }
}

/**
 * @param paths undefined: there is no home, and nothing touches the disk
 * @param warn what goes less well than asked for, now and later
 * @throws UdpchatError NO_SQLITE; STORE_UNUSABLE if a later version wrote the database
 */
export async function openKeptMessages(
  { store: place = "disk" }: Pick<MessengerOptions, "store">,
  paths: Paths | undefined,
  warn: (warning: Warning) => void,
): Promise<KeptMessages> {
  if (place === "none") return new KeptMessages(new NullMessageStore(), false);
  if (paths === undefined) return new KeptMessages(new MemoryMessageStore(), true);
  const { store, retry } = await openMessageStore(paths, {
    store: place,
    onTrouble: (trouble) => warn({ ...trouble, peer: null }),
  });
  return new KeptMessages(store, true, retry);
}
