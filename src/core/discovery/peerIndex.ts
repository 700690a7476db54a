import type { PeerSearch } from "../io.js";

/** What somebody can be found by. */
export interface PeerKeys {
  readonly device: string;
  readonly name: string;
  /** IPv4 literals where it was seen. */
  readonly hosts: readonly string[];
}

/** Digits of an id that all who are filed together share: the fewest that name anybody. */
const FILED_DIGITS = 4;

/**
 * Finds by name, id and host at a cost that grows with those found, not with those there. Bounded
 * by the collection that files its items here, and takes them out again.
 */
export class PeerIndex<Item> {
  /** What each is filed under. */
  readonly #filed = new Map<Item, PeerKeys>();
  /** By the name, folded; by the first digits of the id; by the host. Mostly one each. */
  readonly #byName = new Map<string, Item[]>();
  readonly #byDigits = new Map<string, Item[]>();
  readonly #byHost = new Map<string, Item[]>();

  /** A new item, or one whose name or hosts are others now. */
  file(item: Item, keys: PeerKeys): void {
    this.#takeNameAndHosts(item);
    this.#filed.set(item, keys);
    put(this.#byName, folded(keys.name), item);
    put(this.#byDigits, keys.device.slice(0, FILED_DIGITS), item);
    for (const host of keys.hosts) put(this.#byHost, host, item);
  }

  delete(item: Item): void {
    const keys = this.#filed.get(item);
    if (keys === undefined) return;
    take(this.#byDigits, keys.device.slice(0, FILED_DIGITS), item);
    this.#takeNameAndHosts(item);
    this.#filed.delete(item);
  }

  #takeNameAndHosts(item: Item): void {
    const keys = this.#filed.get(item);
    if (keys === undefined) return;
    take(this.#byName, folded(keys.name), item);
    for (const host of keys.hosts) take(this.#byHost, host, item);
  }

  /** Items of one device, in the order in which they were filed first. */
  *of(device: string): Iterable<Item> {
    for (const item of this.#byDigits.get(device.slice(0, FILED_DIGITS)) ?? []) {
      if (this.#filed.get(item)?.device === device) yield item;
    }
  }

  /** Whoever was seen there. */
  at(host: string): Iterable<Item> {
    return this.#byHost.get(host) ?? [];
  }

  find({ names = [], idPrefix, host }: PeerSearch): Set<Item> {
    const found = new Set<Item>();
    for (const name of names) {
      for (const item of this.#byName.get(folded(name)) ?? []) found.add(item);
    }
    if (idPrefix !== undefined) {
      for (const item of this.#byDigits.get(idPrefix.slice(0, FILED_DIGITS)) ?? []) {
        if (this.#filed.get(item)?.device.startsWith(idPrefix) === true) found.add(item);
      }
    }
    if (host !== undefined) for (const item of this.at(host)) found.add(item);
    return found;
  }
}

function folded(name: string): string {
  return name.toLowerCase();
}

function put<Item>(filed: Map<string, Item[]>, key: string, item: Item): void {
  const items = filed.get(key);
  if (items === undefined) filed.set(key, [item]);
  else if (!items.includes(item)) items.push(item);
}

function take<Item>(filed: Map<string, Item[]>, key: string, item: Item): void {
  const others = filed.get(key)?.filter((other) => other !== item) ?? [];
  if (others.length === 0) filed.delete(key);
  else filed.set(key, others);
}
