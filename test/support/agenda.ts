/** Actions in the order of their time, and of their entry where times are equal. */
export class Agenda {
  readonly #heap: { atMs: number; order: number; action: () => void }[] = [];
  #order = 0;

  add(atMs: number, action: () => void): void {
    this.#order += 1;
    const heap = this.#heap;
    heap.push({ atMs, order: this.#order, action });
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfLater(parent, child)) break;
      child = parent;
    }
  }

  /** The next one, if it is due by then. */
  takeUntil(endMs: number): { atMs: number; action: () => void } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atMs > endMs) return undefined;
    const last = heap.pop();
    if (last !== undefined && last !== first) {
      heap[0] = last;
      this.#sink();
    }
    return first;
  }

  #sink(): void {
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1;
      const right = left + 1;
      const smaller = this.#isLater(left, right) ? right : left;
      if (!this.#swapIfLater(parent, smaller)) return;
      parent = smaller;
    }
  }

  #isLater(a: number, b: number): boolean {
    const first = this.#heap[a];
    const second = this.#heap[b];
    if (first === undefined || second === undefined) return false;
    return first.atMs > second.atMs || (first.atMs === second.atMs && first.order > second.order);
  }

  #swapIfLater(a: number, b: number): boolean {
    if (!this.#isLater(a, b)) return false;
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return false;
    this.#heap[a] = second;
    this.#heap[b] = first;
    return true;
  }
}
