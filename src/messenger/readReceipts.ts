import type { MessageStore } from "../store/messageStore.js";
import { encodeReceipt, MAX_RECEIPT_MESSAGES } from "../wire/receipt.js";
import type { Clock } from "./clock.js";
import type { Outgoing } from "./outgoing.js";
import type { Preferences } from "./preferences.js";

/** What read receipts build on. */
export interface ReadReceiptsParts {
  readonly store: MessageStore;
  readonly clock: Clock;
  readonly outgoing: Outgoing;
  /** Without them, what a person reads here is nobody else's business. */
  readonly preferences: Pick<Preferences, "readReceipts">;
  readonly isBlocked: (device: string) => boolean;
}

/** After an attempt that failed while the author is there. */
const RETRY_MS = 30_000;
/** Longer than the core tries (30 s): it says when an attempt has failed. */
const ATTEMPT_MS = 60_000;

/**
 * A person was shown these messages: the direct ones of others that were unread count. Returns
 * their authors, who are owed a receipt if `owed`: a daemon pays it when it sees them.
 */
export function storeRead(
  store: MessageStore,
  ids: readonly string[],
  owed: boolean,
): ReadonlySet<string> {
  const found = store.unread(ids);
  // Authors number their own messages: who takes another's number must not have that one read.
  const unread = found.filter(({ id }) => found.filter((one) => one.id === id).length === 1);
  if (unread.length === 0) return new Set();
  store.batch("promise", () => {
    for (const { author, id } of unread) store.markRead(author, [id], owed);
  });
  return new Set(unread.map(({ author }) => author));
}

/** Tells authors that their messages were read: owed in the store, until they have it. */
export class ReadReceipts {
  readonly #parts: ReadReceiptsParts;
  /** Devices that are online; bounded by `limits.peers` of the core. */
  readonly #online = new Set<string>();
  /** By device: a receipt is on its way, or waits for its next attempt. Bounded as `#online`. */
  readonly #busy = new Map<string, () => void>();
  #closed = false;

  constructor(parts: ReadReceiptsParts) {
    this.#parts = parts;
  }

  /** See `storeRead`. */
  markRead(ids: readonly string[]): void {
    const { store, preferences } = this.#parts;
    for (const author of storeRead(store, ids, preferences.readReceipts)) this.#pay(author);
  }

  /** The roster changed. */
  rosterChanged(
    change: "online" | "suspect" | "offline" | "updated",
    { id }: { readonly id: string },
  ): void {
    if (change === "offline") {
      this.#online.delete(id);
      return;
    }
    if (change === "suspect" || this.#online.has(id)) return;
    this.#online.add(id);
    this.#pay(id);
  }

  close(): void {
    this.#closed = true;
    for (const cancelRetry of this.#busy.values()) cancelRetry();
  }

  #pay(author: string): void {
    const { store, preferences, isBlocked } = this.#parts;
    if (this.#closed || !preferences.readReceipts || this.#busy.has(author) || isBlocked(author))
      return;
    const messageIds = store.receiptsOwed(author, MAX_RECEIPT_MESSAGES);
    if (messageIds.length === 0) return;
    this.#busy.set(author, () => undefined);
    void this.#tell(author, messageIds);
  }

  async #tell(author: string, messageIds: readonly string[]): Promise<void> {
    const { store, outgoing } = this.#parts;
    const body = encodeReceipt({ status: "read", messageIds });
    try {
      await outgoing.sendText({
        label: author,
        text: "",
        find: async () => ({ kind: "device", id: author }),
        options: { timeoutMs: ATTEMPT_MS },
        handOver(core, nowMs, target, token) {
          core.send(nowMs, { token, target, kind: "receipt", body, sentAtMs: 0 });
        },
      });
    } catch {
      this.#retry(author);
      return;
    }
    store.batch("soon", () => store.receiptsPaid(author, messageIds));
    this.#busy.delete(author);
    this.#pay(author);
  }

  #retry(author: string): void {
    if (this.#closed) return;
    const again = (): void => {
      this.#busy.delete(author);
      if (this.#online.has(author)) this.#pay(author);
    };
    this.#busy.set(author, this.#parts.clock.after(RETRY_MS, again));
  }
}
