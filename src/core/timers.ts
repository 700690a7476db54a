/** What happens when a deadline is reached; serves as the key of that deadline. */
export type Alarm = (nowMs: number) => void;

interface TimerEntry<Key> {
  readonly key: Key;
  readonly atMs: number;
}

/**
 * Deadlines by key, the earliest first. One deadline per key: setting it again moves it.
 * A binary heap with lazy deletion: set and clear cost O(log n), `nextMs` is O(1) amortised.
 * Bounded by what the owner bounds its keys with; dead entries are swept when they prevail.
 */
export class TimerQueue<Key> {
  #heap: TimerEntry<Key>[] = [];
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
    this.#push(entry);
    if (this.#heap.length > 64 + 4 * this.#current.size) this.#sweep();
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
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Removes and returns one key that is due at `nowMs`, or undefined. */
  popDue(nowMs: number): Key | undefined {
    this.#dropDead();
    const head = this.#heap[0];
    if (head === undefined || head.atMs > nowMs) return undefined;
    this.#popHead();
    this.#current.delete(head.key);
    return head.key;
  }

  #dropDead(): void {
    for (;;) {
      const head = this.#heap[0];
      if (head === undefined || this.#current.get(head.key) === head) return;
      this.#popHead();
    }
  }

  #sweep(): void {
    const live = [...this.#current.values()];
    this.#heap = [];
    for (const entry of live) this.#push(entry);
  }

  #push(entry: TimerEntry<Key>): void {
    const heap = this.#heap;
    let hole = heap.length;
    heap.push(entry);
    while (hole > 0) {
      const parentIndex = (hole - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || parent.atMs <= entry.atMs) break;
      heap[hole] = parent;
      hole = parentIndex;
    }
    heap[hole] = entry;
  }

  #popHead(): void {
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
}
