import { UdpchatError } from "../errors.js";
import { EntryList } from "./entryList.js";
import { expiryMsOf, MemoryEntry, type Standing } from "./memoryEntry.js";
import type { StoredMessage } from "./messageStore.js";
import type { UndoLog } from "./undoLog.js";

export interface MemoryBounds {
  readonly messages: number;
  /** Of texts, and of what is kept beside each. */
  readonly bytes: number;
}

/**
 * Messages by author and id, in the order in which they were stored. To store, find and change one
 * costs the same however many there are.
 */
export class MemoryMessages {
  readonly #bounds: MemoryBounds;
  readonly #undo: UndoLog;
  /** By author, then by id; bounded by `#bounds`. */
  readonly #byAuthor = new Map<string, Map<string, MemoryEntry>>();
  /** Of those that have one; bounded by `#bounds`. */
  readonly #byClientId = new Map<string, MemoryEntry>();
  /** They stay. */
  readonly #queued = new EntryList();
  /** Of them the oldest go. */
  readonly #others = new EntryList();

  constructor(bounds: MemoryBounds, undo: UndoLog) {
    this.#bounds = bounds;
    this.#undo = undo;
  }

  get(author: string, id: string): MemoryEntry | undefined {
    return this.#byAuthor.get(author)?.get(id);
  }

  byClientId(clientId: string): MemoryEntry | undefined {
    return this.#byClientId.get(clientId);
  }

  /** Of all authors. */
  byId(id: string): MemoryEntry[] {
    const found: MemoryEntry[] = [];
    for (const entries of this.#byAuthor.values()) {
      const entry = entries.get(id);
      if (entry !== undefined) found.push(entry);
    }
    return found;
  }

  values(): MemoryEntry[] {
    return [...this.#others, ...this.#queued].toSorted((a, b) => a.kept.row - b.kept.row);
  }

  /** The oldest first. */
  queued(): Iterable<MemoryEntry> {
    return this.#queued;
  }

  /** When nobody waits for the next one any more; asked for each message that is queued. */
  nextExpiryMs(): number | undefined {
    let next: number | undefined;
    for (const list of [this.#queued, this.#others]) {
      for (const { standing } of list) {
        const expiryMs = expiryMsOf(standing);
        if (expiryMs !== undefined) next = Math.min(next ?? expiryMs, expiryMs);
      }
    }
    return next;
  }

  /**
   * A new message. The oldest go for it where there are too many, but none that is queued; those
   * have half of the room.
   * @throws UdpchatError LIMIT_REACHED, and nothing has changed
   */
  add(message: StoredMessage): void {
    const entry = new MemoryEntry(message);
    this.#makeRoom(entry);
    this.#insert(entry);
    this.#undo.changed(() => this.#delete(entry));
  }

  change(entry: MemoryEntry, standing: Standing): void {
    const before = entry.standing;
    this.#change(entry, standing);
    this.#undo.changed(() => this.#change(entry, before));
  }

  delete(entry: MemoryEntry): void {
    this.#delete(entry);
    this.#undo.changed(() => this.#insert(entry));
  }

  clear(): void {
    this.#byAuthor.clear();
    this.#byClientId.clear();
    this.#queued.clear();
    this.#others.clear();
  }

  #makeRoom({ standing, sizeBytes }: MemoryEntry): void {
    const { messages, bytes } = this.#bounds;
    const queued = this.#queued;
    const others = this.#others;
    // Half of it all: what arrives must find room, or nobody could be acknowledged any more.
    const isTooMuch =
      standing.state === "queued" &&
      (queued.length >= messages / 2 || queued.sizeBytes + sizeBytes > bytes / 2);
    const leftMessages = messages - queued.length - 1;
    const leftBytes = bytes - queued.sizeBytes - sizeBytes;
    if (isTooMuch || leftMessages < 0 || leftBytes < 0) throw tooManyQueued();
    let { oldest } = others;
    while (oldest !== undefined) {
      if (others.length <= leftMessages && others.sizeBytes <= leftBytes) return;
      this.delete(oldest);
      oldest = others.oldest;
    }
  }

  #insert(entry: MemoryEntry): void {
    const { author, id, clientId } = entry.kept;
    let entries = this.#byAuthor.get(author.device);
    if (entries === undefined) {
      entries = new Map();
      this.#byAuthor.set(author.device, entries);
    }
    entries.set(id, entry);
    if (clientId !== undefined) this.#byClientId.set(clientId, entry);
    this.#listOf(entry.standing).insert(entry);
  }

  #delete(entry: MemoryEntry): void {
    const { author, id, clientId } = entry.kept;
    const entries = this.#byAuthor.get(author.device);
    entries?.delete(id);
    if (entries?.size === 0) this.#byAuthor.delete(author.device);
    if (clientId !== undefined) this.#byClientId.delete(clientId);
    this.#listOf(entry.standing).remove(entry);
  }

  #change(entry: MemoryEntry, standing: Standing): void {
    const from = this.#listOf(entry.standing);
    const to = this.#listOf(standing);
    entry.standing = standing;
    if (from === to) return;
    from.remove(entry);
    to.insert(entry);
  }

  #listOf({ state }: Standing): EntryList {
    return state === "queued" ? this.#queued : this.#others;
  }
}

function tooManyQueued(): UdpchatError {
  return new UdpchatError("LIMIT_REACHED", "too many messages are queued in memory", {
    remedy: "drop some of them, or wait until they are delivered",
  });
}
