import type { Beacon, Instance } from "../../wire/presence.js";
import {
  type Address,
  type FoundVia,
  isSameAddress,
  type PeerSearch,
  type PeerView,
  type Timed,
} from "../io.js";
import { instanceKey } from "./instanceKey.js";
import { PeerIndex } from "./peerIndex.js";
import { Shares } from "./shares.js";

/** A beacon that nothing followed is forgotten: several of its sender's intervals. */
const LIFETIME_MS = 60_000;
/** One beacon through several interfaces; more addresses are somebody who plays with it. */
const MAX_ADDRESSES = 4;

/** Who a beacon speaks of that anybody may have recorded. */
export interface Candidate {
  readonly beacon: Beacon;
  /** The signed datagram, a copy. */
  readonly bytes: Uint8Array;
  readonly via: FoundVia;
  readonly heardAtMs: number;
  /** Where that beacon came from, with its data port; bounded by `MAX_ADDRESSES`. */
  readonly addresses: [Address, ...Address[]];
}

/**
 * Who sent a genuine beacon and has not shown that it is running now: shown as "suspect", and
 * nothing else depends on it. When full, the address that holds most gives way.
 */
export class Candidates implements Timed {
  readonly #maxCount: number;
  /** By instance, the longest unheard first; bounded by `#maxCount`. */
  readonly #byInstance = new Map<string, Candidate>();
  readonly #index = new PeerIndex<Candidate>();
  /** By the first address of each. */
  readonly #shares = new Shares<Candidate>();

  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  get(instance: Instance): Candidate | undefined {
    return this.#byInstance.get(instanceKey(instance));
  }

  /** A newer beacon: takes the place of what is known of the instance. */
  set(nowMs: number, beacon: Beacon, bytes: Uint8Array, at: Address, via: FoundVia): void {
    this.delete(beacon);
    const { oldestOfLargest } = this.#shares;
    if (this.#byInstance.size >= this.#maxCount && oldestOfLargest !== undefined) {
      this.delete(oldestOfLargest.beacon);
    }
    const copy = new Uint8Array(bytes);
    const candidate: Candidate = { beacon, bytes: copy, via, heardAtMs: nowMs, addresses: [at] };
    this.#byInstance.set(instanceKey(beacon), candidate);
    this.#file(candidate);
    this.#shares.add(at.address, candidate);
  }

  #file(candidate: Candidate): void {
    const { device, name } = candidate.beacon;
    const hosts = candidate.addresses.map(({ address }) => address);
    this.#index.file(candidate, { device, name, hosts });
  }

  /** The same beacon from elsewhere; true if that is worth a challenge. */
  seenAt(candidate: Candidate, at: Address): boolean {
    const { addresses } = candidate;
    if (addresses.length >= MAX_ADDRESSES) return false;
    if (addresses.some((known) => isSameAddress(known, at))) {
      return false;
    }
    addresses.push(at);
    this.#file(candidate);
    return true;
  }

  /** It has shown itself, or left. Returns what was known. */
  delete(instance: Instance): Candidate | undefined {
    const candidate = this.get(instance);
    if (candidate === undefined) return undefined;
    this.#byInstance.delete(instanceKey(instance));
    this.#index.delete(candidate);
    const [first] = candidate.addresses;
    this.#shares.delete(first.address, candidate);
    return candidate;
  }

  deleteDevice(device: string): void {
    for (const { beacon } of this.#index.of(device)) this.delete(beacon);
  }

  nextWakeMs(): number {
    if (this.#byInstance.size === 0) return Number.POSITIVE_INFINITY; // asked for each turn
    const [longestUnheard] = this.#byInstance.values();
    return longestUnheard === undefined
      ? Number.POSITIVE_INFINITY
      : longestUnheard.heardAtMs + LIFETIME_MS;
  }

  wake(nowMs: number): void {
    for (const { beacon, heardAtMs } of this.#byInstance.values()) {
      if (heardAtMs + LIFETIME_MS > nowMs) return;
      this.delete(beacon);
    }
  }

  /** Nothing but a beacon that anybody may have recorded says that the device is there. */
  isSaidToBeAt(device: string, at: Address): boolean {
    for (const { addresses } of this.#index.of(device)) {
      if (addresses.some(({ address }) => address === at.address)) return true;
    }
    return false;
  }

  /** The latest heard of a device. */
  viewOf(device: string): PeerView | undefined {
    const latest = this.#latestOf(device);
    return latest && viewOf(latest);
  }

  #latestOf(device: string): Candidate | undefined {
    return [...this.#index.of(device)].at(-1);
  }

  /** Of those devices whose latest heard is one that `search` is for, and that `isWanted`. */
  find(search: PeerSearch, isWanted: (device: string) => boolean): PeerView[] {
    const found = this.#index.find(search);
    const devices = new Set([...found].map(({ beacon }) => beacon.device));
    const latest = [...devices].filter(isWanted).map((device) => this.#latestOf(device));
    return latest.flatMap((candidate) =>
      candidate !== undefined && found.has(candidate) ? [viewOf(candidate)] : [],
    );
  }

  /** One per device, the latest heard, of the devices that `isWanted`. */
  views(isWanted: (device: string) => boolean): PeerView[] {
    const views = new Map<string, PeerView>();
    for (const candidate of this.#byInstance.values()) {
      const { device } = candidate.beacon;
      if (isWanted(device)) views.set(device, viewOf(candidate));
    }
    return [...views.values()];
  }
}

function viewOf({ beacon, addresses, via }: Candidate): PeerView {
  const [first] = addresses;
  return {
    id: beacon.device,
    name: beacon.name,
    address: first.address,
    port: first.port,
    incarnation: beacon.incarnation,
    state: "suspect",
    via,
    rttMs: undefined,
    addresses: [...addresses],
  };
}
