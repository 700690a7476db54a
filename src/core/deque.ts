const LEAST_SLOTS = 8;
/** An empty queue keeps no more slots than this: what a burst needed is given back. */
const IDLE_SLOTS = 64;

/**
 * A queue open at both ends, in a ring that doubles when it is full: each step costs the same,
 * however many wait. (`Array.shift` moves all others, and a Map that is emptied from its front walks
 * over the holes that were left there.) Bounded by its owner.
 */
export class Deque<T> {
  /** As many as a power of 2. */
  #slots: (T | undefined)[] = emptySlots(LEAST_SLOTS);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The one at the head, which is the oldest. */
  get first(): T | undefined {
    return this.#slots[this.#head];
  }

  /** Counted from the head; undefined outside. */
  at(index: number): T | undefined {
    if (index < 0 || index >= this.#length) return undefined;
    return this.#slots[this.#slotOf(index)];
  }

  /** Puts `item` in the place of what is there; does nothing outside. */
  replace(index: number, item: T): void {
    if (index >= 0 && index < this.#length) this.#slots[this.#slotOf(index)] = item;
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[this.#slotOf(this.#length)] = item;
    this.#length += 1;
  }

  /** Ahead of all others. */
  unshift(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#head = this.#slotOf(-1);
    this.#slots[this.#head] = item;
    this.#length += 1;
  }

  /** Removes and returns the one at the head. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = this.#slotOf(1);
    this.#length -= 1;
    if (this.#length === 0 && this.#slots.length > IDLE_SLOTS) this.clear();
    return item;
  }

  /** Removes the first that is `item`; false if there is none. */
  remove(item: T): boolean {
    const others: T[] = [];
    let found = false;
    for (const each of this) {
      if (each === item && !found) found = true;
      else others.push(each);
    }
    if (!found) return false;
    this.clear();
    for (const each of others) this.push(each);
    return true;
  }

  clear(): void {
    this.#slots = emptySlots(LEAST_SLOTS);
    this.#head = 0;
    this.#length = 0;
  }

  /** From the head. What is changed meanwhile is not reckoned with. */
  *[Symbol.iterator](): Iterator<T> {
    for (let index = 0; index < this.#length; index += 1) {
      const item = this.at(index);
      if (item !== undefined) yield item;
    }
  }

  #slotOf(index: number): number {
    return (this.#head + index) & (this.#slots.length - 1);
  }

  #grow(): void {
    const slots = emptySlots<T>(2 * this.#slots.length);
    for (let index = 0; index < this.#length; index += 1) slots[index] = this.at(index);
    this.#slots = slots;
    this.#head = 0;
  }
}

function emptySlots<T>(count: number): (T | undefined)[] {
  return Array<T | undefined>(count).fill(undefined);
}
