import { type Address, addressKey, isSameAddress } from "../io.js";
import { type Link, type LinkMemory, linkKey } from "./link.js";

/** Of those that were used, so many are looked at for the one that is missed least. */
const CANDIDATES = 64;
/** Incarnations of one device: a few processes, and those that restarted. */
const MAX_LINKS_PER_DEVICE = 16;

/** The links by incarnation of a peer, by device and by address. */
export class LinkTable {
  readonly #limit: number;
  /** By device and incarnation; bounded by `limit`. */
  readonly #links = new Map<string, Link>();
  /** The same, the longest silent first. */
  readonly #byLastHeard = new Set<Link>();
  /** Of those the last; undefined if that one is gone. */
  #lastHeard: Link | undefined;
  /** Those that may never have carried a record, the oldest first. */
  readonly #unused = new Set<Link>();
  /** The links of a device, the last met last, and the last that proved to be at an address. */
  readonly #ofDevice = new Map<string, Set<Link>>();
  readonly #ofAddress = new Map<string, Link>();
  /** Of links that were forgotten, the latest last; bounded by `limit`. */
  readonly #memories = new Map<string, LinkMemory>();
  #firstSequence = 1;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#links.size === 0;
  }

  /** No room for another incarnation of that device. */
  isFullFor(device: string): boolean {
    return this.#links.size >= this.#limit || this.#isCrowded(device);
  }

  #isCrowded(device: string): boolean {
    return (this.#ofDevice.get(device)?.size ?? 0) >= MAX_LINKS_PER_DEVICE;
  }

  has(link: Link): boolean {
    return this.#links.get(link.key) === link;
  }

  /** Lane sequences of a new link start here: a forgotten link's numbers are never used again. */
  get firstSequence(): number {
    return this.#firstSequence;
  }

  [Symbol.iterator](): Iterator<Link> {
    return this.#links.values();
  }

  get(device: string, incarnation: string): Link | undefined {
    return this.#links.get(linkKey(device, incarnation));
  }

  /** The link last met that announces itself, or else the last met. */
  ofDevice(device: string): Link | undefined {
    let last: Link | undefined;
    for (const link of this.#ofDevice.get(device) ?? []) {
      if (link.claims.announces || last?.claims.announces !== true) last = link;
    }
    return last;
  }

  /** The last met last. */
  allOfDevice(device: string): readonly Link[] {
    return [...(this.#ofDevice.get(device) ?? [])];
  }

  /** The link that may have to leave its business to this one. */
  elderOf(heir: Link): Link | undefined {
    return this.allOfDevice(heir.claims.device).findLast((link) => link.heir === heir);
  }

  ofAddress(address: Address): Link | undefined {
    return this.#ofAddress.get(addressKey(address));
  }

  /** What is known of the forgotten link to that incarnation: once, for the next one. */
  takeMemory(device: string, incarnation: string): LinkMemory | undefined {
    const key = linkKey(device, incarnation);
    const memory = this.#memories.get(key);
    this.#memories.delete(key);
    return memory;
  }

  add(link: Link): void {
    this.#links.set(link.key, link);
    this.#byLastHeard.add(link);
    this.#lastHeard = link;
    this.#unused.add(link);
  }

  /** A packet of the peer came: most often from the one that was heard before as well. */
  heard(link: Link): void {
    if (link === this.#lastHeard || !this.#byLastHeard.delete(link)) return;
    this.#byLastHeard.add(link);
    this.#lastHeard = link;
  }

  /**
   * The link speaks for its device now, and for the address that it is at if that is proven: whoever
   * has a session can send from a forged one, and must not get what is meant for who is there.
   */
  met(link: Link, isPathProven: boolean): void {
    const { device } = link.claims;
    const links = this.#ofDevice.get(device) ?? new Set();
    links.delete(link);
    this.#ofDevice.set(device, links.add(link));
    if (isPathProven) this.#ofAddress.set(addressKey(link.path), link);
  }

  /** The link is at `path`, and no longer where it was. */
  moved(link: Link, path: Address): void {
    if (isSameAddress(link.path, path)) return;
    this.left(link);
    link.path = path;
  }

  /** The link may not be where it was any more: nobody speaks for that address. */
  left(link: Link): void {
    const key = addressKey(link.path);
    if (this.#ofAddress.get(key) === link) this.#ofAddress.delete(key);
  }

  remove(link: Link): void {
    const memory = link.dispose();
    if (link.wasUsed) this.#remember(link.key, memory);
    this.#firstSequence = Math.max(this.#firstSequence, link.nextSequence);
    const { key } = link;
    const { device } = link.claims;
    // Another link may have taken its place.
    if (this.#links.get(key) === link) this.#links.delete(key);
    this.#byLastHeard.delete(link);
    if (this.#lastHeard === link) this.#lastHeard = undefined;
    this.#unused.delete(link);
    const links = this.#ofDevice.get(device);
    links?.delete(link);
    if (links?.size === 0) this.#ofDevice.delete(device);
    for (const elder of this.allOfDevice(device)) if (elder.heir === link) elder.heir = undefined;
    this.left(link);
  }

  /**
   * The link that gives way to a new one of `device`, of those without business of ours: the oldest
   * that never carried a record, or else the one that answers nothing, of those silent for longest.
   * So who completes handshakes and says nothing costs nobody else anything.
   */
  idlestFor(nowMs: number, device: string): Link | undefined {
    if (this.#isCrowded(device)) return leastMissed(nowMs, this.allOfDevice(device));
    for (const link of this.#unused) {
      if (!link.wasUsed) return link;
      this.#unused.delete(link);
    }
    return leastMissed(nowMs, this.#byLastHeard);
  }

  #remember(key: string, memory: LinkMemory): void {
    const [oldest] = this.#memories.keys();
    if (this.#memories.size >= this.#limit && oldest !== undefined) this.#memories.delete(oldest);
    this.#memories.set(key, memory);
  }
}

/** Of those without business of ours, the longest silent first. */
function leastMissed(nowMs: number, links: Iterable<Link>): Link | undefined {
  let least: Link | undefined;
  let leastWorth = Number.POSITIVE_INFINITY;
  let candidates = 0;
  for (const link of links) {
    if (link.hasCommands) continue;
    const worth = worthOf(nowMs, link);
    if (worth < leastWorth) {
      least = link;
      leastWorth = worth;
    }
    candidates += 1;
    if (leastWorth <= WORTH_LITTLE || candidates >= CANDIDATES) break;
  }
  return least;
}

const WORTH_LITTLE = 1;

/** How much the peer would miss the link. */
function worthOf(nowMs: number, link: Link): number {
  if (!link.wasUsed) return 0;
  if (link.isAnswering) return 4;
  if (link.keepUntilMs > nowMs) return 3;
  return link.session === undefined ? WORTH_LITTLE : 2;
}
