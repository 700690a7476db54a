const LEAST_SLOTS = 16;
/** No more are given back: bursts come again. */
const IDLE_SLOTS = 1024;
/** 2^32 divided by the golden ratio: keys that follow each other come to lie far apart (Knuth, 6.4). */
const SPREAD = 0x9e37_79b1;

/**
 * A Map from whole numbers to objects, for keys that come and go by the thousand: open addressing
 * with linear probing (Knuth, The Art of Computer Programming 3, section 6.4, algorithms L and R).
 *
 * V8 gives a Map a new table now and then, and the old one points to the new one. Once one of them
 * is old enough for the garbage collector to look at it rarely, all that come after it live as long
 * as it, with everything that was ever in them: 2 KB for each message that was sent. Bounded by its
 * owner.
 */
export class NumberMap<Value extends object> {
  /** As many slots as a power of 2, at least twice as many as values. */
  #keys: number[] = Array<number>(LEAST_SLOTS).fill(0);
  /** Undefined where a slot is free. */
  #values: (Value | undefined)[] = Array<Value | undefined>(LEAST_SLOTS).fill(undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: number): Value | undefined {
    return this.#values[this.#slotOf(key)];
  }

  set(key: number, value: Value): void {
    const slot = this.#slotOf(key);
    if (this.#values[slot] === undefined) this.#size += 1;
    this.#keys[slot] = key;
    this.#values[slot] = value;
    if (2 * this.#size > this.#values.length) this.#resize(2 * this.#values.length);
  }

  /** Returns what was there. */
  delete(key: number): Value | undefined {
    const slot = this.#slotOf(key);
    const value = this.#values[slot];
    if (value === undefined) return undefined;
    this.#free(slot);
    this.#size -= 1;
    const slots = this.#values.length;
    if (slots > IDLE_SLOTS && 16 * this.#size < slots) this.#resize(slots / 4);
    return value;
  }

  /** With the lowest key first. What is changed meanwhile is not reckoned with. */
  values(): Value[] {
    const pairs: [number, Value][] = [];
    for (const [slot, value] of this.#values.entries()) {
      if (value !== undefined) pairs.push([this.#keys[slot] ?? 0, value]);
    }
    return pairs.toSorted(([a], [b]) => a - b).map(([, value]) => value);
  }

  /** Where the key is, or would be. */
  #slotOf(key: number): number {
    const last = this.#values.length - 1;
    let slot = this.#homeOf(key);
    while (this.#values[slot] !== undefined && this.#keys[slot] !== key) slot = (slot + 1) & last;
    return slot;
  }

  #homeOf(key: number): number {
    return Math.imul(key, SPREAD) >>> (Math.clz32(this.#values.length) + 1);
  }

  /** Those behind it move up: none may lie behind a free slot that it was pushed over. */
  #free(freed: number): void {
    const last = this.#values.length - 1;
    let hole = freed;
    for (let slot = (freed + 1) & last; ; slot = (slot + 1) & last) {
      const value = this.#values[slot];
      const key = this.#keys[slot] ?? 0;
      if (value === undefined) break;
      const isPushedOver = ((slot - this.#homeOf(key)) & last) >= ((slot - hole) & last);
      if (!isPushedOver) continue;
      this.#keys[hole] = key;
      this.#values[hole] = value;
      hole = slot;
    }
    this.#values[hole] = undefined;
  }

  #resize(slots: number): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = Array<number>(slots).fill(0);
    this.#values = Array<Value | undefined>(slots).fill(undefined);
    for (const [slot, value] of values.entries()) {
      if (value === undefined) continue;
      const key = keys[slot] ?? 0;
      const to = this.#slotOf(key);
      this.#keys[to] = key;
      this.#values[to] = value;
    }
  }
}
