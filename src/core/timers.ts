/** What happens when a deadline is reached; serves as the key of that deadline. */
export type Alarm = (nowMs: number) => void;

/** So many dead ones are kept in any case, before those that live. */
const DEAD_TOLERATED = 64;

/**
 * A binary heap: the earliest is at its head. Its owner bounds it, and knows which of them are dead:
 * they are taken out when they come to the head, or when they prevail.
 */
export class EarliestFirst<Item extends { readonly atMs: number }> {
  #heap: Item[] = [];

  get head(): Item | undefined {
    return this.#heap[0];
  }

  push(item: Item): void {
    const heap = this.#heap;
    let hole = heap.length;
    heap.push(item);
    while (hole > 0) {
      const parentIndex = (hole - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || parent.atMs <= item.atMs) break;
      heap[hole] = parent;
      hole = parentIndex;
    }
    heap[hole] = item;
  }

  popHead(): void {
    const heap = this.#heap;
    const moved = heap.pop();
    if (moved === undefined || heap.length === 0) return;
    let hole = 0;
    for (;;) {
      let childIndex = 2 * hole + 1;
      let child = heap[childIndex];
      if (child === undefined) break;
      const right = heap[childIndex + 1];
      if (right !== undefined && right.atMs < child.atMs) {
        childIndex += 1;
        child = right;
      }
      if (child.atMs >= moved.atMs) break;
      heap[hole] = child;
      hole = childIndex;
    }
    heap[hole] = moved;
  }

  /** Drops the dead ones if those that live are few among them. */
  sweep(liveCount: number, isLive: (item: Item) => boolean): void {
    if (this.#heap.length <= DEAD_TOLERATED + 4 * liveCount) return;
    const live = this.#heap.filter(isLive);
    this.#heap = [];
    for (const item of live) this.push(item);
  }
}

interface TimerEntry<Key> {
  readonly key: Key;
  readonly atMs: number;
}

/**
 * Deadlines by key, the earliest first. One deadline per key: setting it again moves it.
 * A heap with lazy deletion: set and clear cost O(log n), `nextMs` is O(1) amortised.
 * Bounded by what the owner bounds its keys with; dead entries are swept when they prevail.
 */
export class TimerQueue<Key> {
  readonly #heap = new EarliestFirst<TimerEntry<Key>>();
  readonly #current = new Map<Key, TimerEntry<Key>>();

  /** Sets or moves the deadline of `key`. */
  set(key: Key, atMs: number): void {
    if (atMs === Number.POSITIVE_INFINITY) {
      this.clear(key);
      return;
    }
    if (this.#current.get(key)?.atMs === atMs) return;
    const entry = { key, atMs };
    this.#current.set(key, entry);
    this.#heap.push(entry);
    this.#heap.sweep(this.#current.size, this.#isLive);
  }

  clear(key: Key): void {
    this.#current.delete(key);
  }

  get(key: Key): number | undefined {
    return this.#current.get(key)?.atMs;
  }

  /** The earliest deadline, or Infinity. */
  nextMs(): number {
    this.#dropDead();
    return this.#heap.head?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Removes and returns one key that is due at `nowMs`, or undefined. */
  popDue(nowMs: number): Key | undefined {
    this.#dropDead();
    const { head } = this.#heap;
    if (head === undefined || head.atMs > nowMs) return undefined;
    this.#heap.popHead();
    this.#current.delete(head.key);
    return head.key;
  }

  readonly #isLive = (entry: TimerEntry<Key>): boolean => this.#current.get(entry.key) === entry;

  #dropDead(): void {
    for (;;) {
      const { head } = this.#heap;
      if (head === undefined || this.#isLive(head)) return;
      this.#heap.popHead();
    }
  }
}
