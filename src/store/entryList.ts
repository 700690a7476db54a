import type { MemoryEntry } from "./memoryEntry.js";

/**
 * Entries in the order of their rows, each in one list at a time: a doubly linked list, as a Map
 * leaves a hole for each entry that is taken out, and whoever looks for the oldest one walks over
 * all of them.
 */
export class EntryList {
  #oldest: MemoryEntry | undefined;
  #newest: MemoryEntry | undefined;
  #length = 0;
  #sizeBytes = 0;

  get oldest(): MemoryEntry | undefined {
    return this.#oldest;
  }

  get length(): number {
    return this.#length;
  }

  /** Of all entries. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The oldest first; none may be put in or taken out meanwhile. */
  *[Symbol.iterator](): Generator<MemoryEntry, void, undefined> {
    for (let entry = this.#oldest; entry !== undefined; entry = entry.newer) yield entry;
  }

  /** Costs as much as it is away from the nearer end. */
  insert(entry: MemoryEntry): void {
    const { row } = entry.kept;
    let older = this.#newest;
    let newer = this.#oldest;
    while (older !== undefined && newer !== undefined) {
      if (older.kept.row < row) {
        newer = older.newer;
        break;
      }
      if (newer.kept.row > row) {
        older = newer.older;
        break;
      }
      older = older.older;
      newer = newer.newer;
    }
    this.#link(older, entry);
    this.#link(entry, newer);
    this.#length += 1;
    this.#sizeBytes += entry.sizeBytes;
  }

  remove(entry: MemoryEntry): void {
    this.#link(entry.older, entry.newer);
    // Else one that is gone would keep younger ones from being collected.
    entry.older = undefined;
    entry.newer = undefined;
    this.#length -= 1;
    this.#sizeBytes -= entry.sizeBytes;
  }

  clear(): void {
    this.#oldest = undefined;
    this.#newest = undefined;
    this.#length = 0;
    this.#sizeBytes = 0;
  }

  /** Neighbours; undefined is beyond an end. */
  #link(older: MemoryEntry | undefined, newer: MemoryEntry | undefined): void {
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
  }
}
