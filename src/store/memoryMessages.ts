import { UdpchatError } from "../errors.js";
import type { StoredMessage, StoredReceipt } from "./messageStore.js";
import { foldText } from "./search.js";
import type { UndoLog } from "./undoLog.js";

/** A message in memory, and what belongs to it. Never changed, but replaced. */
export interface MemoryEntry {
  readonly message: StoredMessage;
  /** What searches look at. */
  readonly folded: string;
  readonly receiptOwed: boolean;
  /** Of a direct message of ours, which has one recipient. */
  readonly receipt: StoredReceipt | undefined;
}

export interface MemoryBounds {
  readonly messages: number;
  /** Of texts, and of what is kept beside each. */
  readonly bytes: number;
}

/** Names, keys and the objects of an entry. */
const ENTRY_BYTES = 1024;

/** Messages by author and id, in the order in which they were stored. */
export class MemoryMessages {
  readonly #bounds: MemoryBounds;
  readonly #undo: UndoLog;
  /** By author and id; bounded by `#bounds`. */
  readonly #entries = new Map<string, MemoryEntry>();
  /** Client id to the key of `#entries`. */
  readonly #byClientId = new Map<string, string>();
  #sizeBytes = 0;

  constructor(bounds: MemoryBounds, undo: UndoLog) {
    this.#bounds = bounds;
    this.#undo = undo;
  }

  get(author: string, id: string): MemoryEntry | undefined {
    return this.#entries.get(keyOf(author, id));
  }

  byClientId(clientId: string): MemoryEntry | undefined {
    const key = this.#byClientId.get(clientId);
    return key === undefined ? undefined : this.#entries.get(key);
  }

  values(): MemoryEntry[] {
    return [...this.#entries.values()];
  }

  /**
   * A new message. The oldest go for it where there are too many, but none that is queued; those
   * have half of the room.
   * @throws UdpchatError LIMIT_REACHED
   */
  add(message: StoredMessage): void {
    const entry: MemoryEntry = {
      message,
      folded: foldText(message.text),
      receiptOwed: false,
      receipt: undefined,
    };
    if (message.state === "queued") this.#assertRoomForQueued(sizeOf(entry));
    this.#makeRoom(sizeOf(entry));
    this.#insert(entry);
    this.#undo.changed(() => this.#delete(entry));
  }

  /** In place of what is there. */
  replace(entry: MemoryEntry): void {
    const key = keyOf(entry.message.author.device, entry.message.id);
    const before = this.#entries.get(key);
    if (before === undefined) return;
    this.#entries.set(key, entry);
    this.#undo.changed(() => this.#entries.set(key, before));
  }

  delete(entry: MemoryEntry): void {
    this.#delete(entry);
    this.#undo.changed(() => {
      this.#insert(entry);
      this.#sort();
    });
  }

  clear(): void {
    this.#entries.clear();
    this.#byClientId.clear();
    this.#sizeBytes = 0;
  }

  /** Half of it all: what arrives must find room, or nobody could be acknowledged any more. */
  #assertRoomForQueued(sizeBytes: number): void {
    const queued = this.values().filter(({ message }) => message.state === "queued");
    const queuedBytes = queued.reduce((sum, entry) => sum + sizeOf(entry), sizeBytes);
    const { messages, bytes } = this.#bounds;
    if (queued.length < messages / 2 && queuedBytes <= bytes / 2) return;
    throw tooManyQueued();
  }

  #makeRoom(sizeBytes: number): void {
    const fits = (count: number, size: number): boolean =>
      count + 1 <= this.#bounds.messages && size + sizeBytes <= this.#bounds.bytes;
    let count = this.#entries.size;
    let size = this.#sizeBytes;
    const going: MemoryEntry[] = [];
    for (const entry of this.#entries.values()) {
      if (fits(count, size)) break;
      if (entry.message.state === "queued") continue;
      going.push(entry);
      count -= 1;
      size -= sizeOf(entry);
    }
    if (!fits(count, size)) throw tooManyQueued();
    for (const entry of going) this.delete(entry);
  }

  #insert(entry: MemoryEntry): void {
    const { author, id, clientId } = entry.message;
    const key = keyOf(author.device, id);
    this.#entries.set(key, entry);
    if (clientId !== undefined) this.#byClientId.set(clientId, key);
    this.#sizeBytes += sizeOf(entry);
  }

  #delete(entry: MemoryEntry): void {
    const { author, id, clientId } = entry.message;
    this.#entries.delete(keyOf(author.device, id));
    if (clientId !== undefined) this.#byClientId.delete(clientId);
    this.#sizeBytes -= sizeOf(entry);
  }

  /** What came back stands at the end, and belongs where it was. */
  #sort(): void {
    const sorted = [...this.#entries].toSorted(([, a], [, b]) => a.message.row - b.message.row);
    this.#entries.clear();
    for (const [key, entry] of sorted) this.#entries.set(key, entry);
  }
}

function tooManyQueued(): UdpchatError {
  return new UdpchatError("LIMIT_REACHED", "too many messages are queued in memory", {
    remedy: "drop some of them, or wait until they are delivered",
  });
}

function keyOf(author: string, id: string): string {
  return `${author}/${id}`;
}

/** The same for as long as the entry is there: text does not change. */
function sizeOf({ message, folded }: MemoryEntry): number {
  return 2 * (message.text.length + folded.length) + ENTRY_BYTES;
}
