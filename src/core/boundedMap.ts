/** A Map that keeps its newest `maxSize` keys. Setting a key, also again, makes it the newest. */
export class BoundedMap<Key, Value> {
  readonly #maxSize: number;
  /** The oldest first. */
  readonly #values = new Map<Key, Value>();

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  get size(): number {
    return this.#values.size;
  }

  has(key: Key): boolean {
    return this.#values.has(key);
  }

  get(key: Key): Value | undefined {
    return this.#values.get(key);
  }

  /** Returns the key that was forgotten for it, if one was. */
  set(key: Key, value: Value): Key | undefined {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size <= this.#maxSize) return undefined;
    const [oldest] = this.#values.keys();
    if (oldest !== undefined) this.#values.delete(oldest);
    return oldest;
  }

  /** The oldest first. */
  entries(): Iterable<[Key, Value]> {
    return this.#values.entries();
  }

  delete(key: Key): void {
    this.#values.delete(key);
  }
}
