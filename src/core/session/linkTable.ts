import { type Address, addressKey } from "../io.js";
import type { Link, LinkMemory } from "./link.js";

/** The links by incarnation of a peer, by device and by address. */
export class LinkTable {
  readonly #limit: number;
  /** By device and incarnation; bounded by `limit`. */
  readonly #links = new Map<string, Link>();
  /** The links of a device, the last met last, and the last met at an address. As many. */
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

  get full(): boolean {
    return this.#links.size >= this.#limit;
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
    const links = this.allOfDevice(device);
    return links.findLast((link) => link.claims.announces) ?? links.at(-1);
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
    this.#links.set(linkKey(link.claims.device, link.claims.incarnation), link);
  }

  /** The link speaks for its device now, and for the address that it is at. */
  met(link: Link): void {
    const { device } = link.claims;
    const links = this.#ofDevice.get(device) ?? new Set();
    links.delete(link);
    this.#ofDevice.set(device, links.add(link));
    this.#ofAddress.set(addressKey(link.path), link);
  }

  /** The link is now at `path`, and no longer where it was. */
  moved(link: Link, path: Address): void {
    this.#dropAddress(link);
    link.path = path;
    this.#ofAddress.set(addressKey(path), link);
  }

  remove(link: Link): void {
    const memory = link.dispose();
    if (link.wasUsed) this.#remember(linkKey(link.claims.device, link.claims.incarnation), memory);
    this.#firstSequence = Math.max(this.#firstSequence, link.nextSequence);
    const { device, incarnation } = link.claims;
    const key = linkKey(device, incarnation);
    // Another link may have taken its place.
    if (this.#links.get(key) === link) this.#links.delete(key);
    const links = this.#ofDevice.get(device);
    links?.delete(link);
    if (links?.size === 0) this.#ofDevice.delete(device);
    for (const elder of links ?? []) if (elder.heir === link) elder.heir = undefined;
    this.#dropAddress(link);
  }

  /**
   * The link that is missed least, of those without business of ours: one that never carried a
   * record, or else one that answers nothing; then the one that was silent for longest.
   */
  idlest(nowMs: number): Link | undefined {
    let idlest: Link | undefined;
    let idlestWorth = Number.POSITIVE_INFINITY;
    for (const link of this.#links.values()) {
      if (link.hasCommands) continue;
      const worth = worthOf(nowMs, link);
      const isIdler = idlest === undefined || link.lastHeardAtMs < idlest.lastHeardAtMs;
      if (worth > idlestWorth || (worth === idlestWorth && !isIdler)) continue;
      idlest = link;
      idlestWorth = worth;
    }
    return idlest;
  }

  #remember(key: string, memory: LinkMemory): void {
    const [oldest] = this.#memories.keys();
    if (this.#memories.size >= this.#limit && oldest !== undefined) this.#memories.delete(oldest);
    this.#memories.set(key, memory);
  }

  #dropAddress(link: Link): void {
    const key = addressKey(link.path);
    if (this.#ofAddress.get(key) === link) this.#ofAddress.delete(key);
  }
}

/** How much the peer would miss the link. */
function worthOf(nowMs: number, link: Link): number {
  if (!link.wasUsed) return 0;
  if (link.isAnswering) return 3;
  return link.keepUntilMs > nowMs ? 2 : 1;
}

function linkKey(device: string, incarnation: string): string {
  return `${device}/${incarnation}`;
}
