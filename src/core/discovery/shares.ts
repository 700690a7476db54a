/**
 * What each source address holds of a bounded collection, and who holds most: so that whoever is
 * one address cannot take all the room. Every call is O(1). Bounded by the collection itself.
 */
export class Shares<Item> {
  /** By address, the oldest item first. */
  readonly #held = new Map<string, Set<Item>>();
  /** Addresses by how many items they hold; who has held so many for longest comes first. */
  readonly #bySize = new Map<number, Set<string>>();
  #largestSize = 0;

  add(address: string, item: Item): void {
    const held = this.#held.get(address) ?? new Set<Item>();
    if (held.has(item)) return;
    held.add(item);
    this.#held.set(address, held);
    this.#resize(address, held.size - 1, held.size);
    this.#largestSize = Math.max(this.#largestSize, held.size);
  }

  delete(address: string, item: Item): void {
    const held = this.#held.get(address);
    if (held?.delete(item) !== true) return;
    if (held.size === 0) this.#held.delete(address);
    this.#resize(address, held.size + 1, held.size);
    // One item went: if this address alone held most, it now holds one less than it did.
    if (!this.#bySize.has(this.#largestSize)) this.#largestSize -= 1;
  }

  sizeOf(address: string): number {
    return this.#held.get(address)?.size ?? 0;
  }

  /** How many items the address with the largest share holds. */
  get largestSize(): number {
    return this.#largestSize;
  }

  /** The oldest item of the address with the largest share. */
  get oldestOfLargest(): Item | undefined {
    const [address = ""] = this.#bySize.get(this.#largestSize) ?? [];
    const [oldest] = this.#held.get(address) ?? [];
    return oldest;
  }

  #resize(address: string, from: number, to: number): void {
    const former = this.#bySize.get(from);
    former?.delete(address);
    if (former?.size === 0) this.#bySize.delete(from);
    if (to === 0) return;
    const present = this.#bySize.get(to) ?? new Set<string>();
    present.add(address);
    this.#bySize.set(to, present);
  }
}
