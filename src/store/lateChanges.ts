import type { MessageStore } from "./messageStore.js";

/** Writes to one message. */
type Change = (store: MessageStore) => void;

interface ChangedMessage {
  readonly author: string;
  readonly id: string;
  /** In order; as many as one message sees while a disk cannot be read. */
  readonly changes: readonly Change[];
}

/** The oldest go: what became of those is not told the disk. */
const MAX_MESSAGES = 10_000;

/** What became of messages that lie on a disk that cannot be read, until it can. */
export class LateChanges {
  /** By author and id; at most `MAX_MESSAGES`. */
  #messages: ReadonlyMap<string, ChangedMessage> = new Map();

  has(author: string, id: string): boolean {
    return this.#messages.has(keyOf(author, id));
  }

  add(author: string, id: string, change: Change): void {
    const key = keyOf(author, id);
    const messages = new Map(this.#messages);
    const changes = [...(messages.get(key)?.changes ?? []), change];
    messages.set(key, { author, id, changes });
    const [oldest] = messages.size > MAX_MESSAGES ? messages.keys() : [];
    if (oldest !== undefined) messages.delete(oldest);
    this.#messages = messages;
  }

  /** Applies what is known of those messages that `isReady` finds, and of no others. */
  raise(store: MessageStore, isReady: (author: string, id: string) => boolean): void {
    if (this.#messages.size === 0) return;
    const left = new Map(this.#messages);
    for (const [key, { author, id, changes }] of this.#messages) {
      // What fails for one fails for all.
      if (!isReady(author, id)) break;
      for (const change of changes) change(store);
      left.delete(key);
    }
    this.#messages = left;
  }

  /** All of it; it is still here then. */
  applyTo(store: MessageStore): void {
    for (const { changes } of this.#messages.values()) {
      for (const change of changes) change(store);
    }
  }

  /** Runs `work`, and is what it was before if that throws. */
  batch<T>(work: () => T): T {
    const before = this.#messages;
    try {
      return work();
    } catch (error) {
      this.#messages = before;
      throw error;
    }
  }

  clear(): void {
    this.#messages = new Map();
  }
}

function keyOf(author: string, id: string): string {
  return `${author}/${id}`;
}
