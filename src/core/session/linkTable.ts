import { type Address, addressKey } from "../io.js";
import type { Link } from "./link.js";

/** The links by incarnation of a peer, by device and by address. */
export class LinkTable {
  readonly #limit: number;
  /** By device and incarnation; bounded by `limit`. */
  readonly #links = new Map<string, Link>();
  /** The link last heard of a device, and last at an address. Bounded by the links. */
  readonly #ofDevice = new Map<string, Link>();
  readonly #ofAddress = new Map<string, Link>();
  #firstSequence = 1;

  constructor(limit: number) {
    this.#limit = limit;
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

  ofDevice(device: string): Link | undefined {
    return this.#ofDevice.get(device);
  }

  ofAddress(address: Address): Link | undefined {
    return this.#ofAddress.get(addressKey(address));
  }

  add(link: Link): void {
    this.#links.set(linkKey(link.claims.device, link.claims.incarnation), link);
  }

  /** The link speaks for its device now, and for the address that it is at. */
  met(link: Link): void {
    this.#ofDevice.set(link.claims.device, link);
    this.#ofAddress.set(addressKey(link.path), link);
  }

  /** The link is now at `path`, and no longer where it was. */
  moved(link: Link, path: Address): void {
    this.#dropAddress(link);
    link.path = path;
    this.#ofAddress.set(addressKey(path), link);
  }

  remove(link: Link): void {
    this.#firstSequence = Math.max(this.#firstSequence, link.nextSequence);
    const { device, incarnation } = link.claims;
    const key = linkKey(device, incarnation);
    // Another link may have taken its place.
    if (this.#links.get(key) === link) this.#links.delete(key);
    if (this.#ofDevice.get(device) === link) this.#ofDevice.delete(device);
    this.#dropAddress(link);
  }

  clear(): void {
    this.#links.clear();
    this.#ofDevice.clear();
    this.#ofAddress.clear();
  }

  /** The link that was silent for longest and has no business of ours. */
  idlest(): Link | undefined {
    let idlest: Link | undefined;
    for (const link of this.#links.values()) {
      if (link.hasCommands) continue;
      if (idlest === undefined || link.lastHeardAtMs < idlest.lastHeardAtMs) idlest = link;
    }
    return idlest;
  }

  #dropAddress(link: Link): void {
    const key = addressKey(link.path);
    if (this.#ofAddress.get(key) === link) this.#ofAddress.delete(key);
  }
}

function linkKey(device: string, incarnation: string): string {
  return `${device}/${incarnation}`;
}
