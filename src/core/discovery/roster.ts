import type { CoreContext } from "../context.js";
import type { Address, FoundVia, PeerSearch, PeerState, PeerView } from "../io.js";
import { PeerIndex } from "./peerIndex.js";
import { RosterEntry } from "./rosterEntry.js";
import { Shares } from "./shares.js";

/** Who has been here: one entry per device key. Tells the application of every change of state. */
export class Roster {
  readonly #context: CoreContext;
  /** By device key; bounded by `limits.peers`. */
  readonly #entries = new Map<string, RosterEntry>();
  readonly #index = new PeerIndex<RosterEntry>();
  /** Of those, who is offline: the longest first. */
  readonly #offline = new Set<RosterEntry>();
  /** The others, by the address where each came online. */
  readonly #shares = new Shares<RosterEntry>();
  /** Under which address each is in `#shares`. */
  readonly #addresses = new Map<RosterEntry, string>();

  constructor(context: CoreContext) {
    this.#context = context;
  }

  get(device: string): RosterEntry | undefined {
    return this.#entries.get(device);
  }

  values(): Iterable<RosterEntry> {
    return this.#entries.values();
  }

  /** Entries that are not offline. */
  get liveCount(): number {
    return this.#addresses.size;
  }

  get #isFull(): boolean {
    return this.liveCount >= this.#context.limits.peers;
  }

  /** From here on a newcomer must show that it is where it seems to be: it takes scarce room. */
  get isCrowded(): boolean {
    return 2 * this.liveCount >= this.#context.limits.peers;
  }

  /** False if a newcomer at `address` would be refused. */
  hasRoomFor(address: string): boolean {
    return !this.#isFull || this.#shares.largestSize > this.#shares.sizeOf(address) + 1;
  }

  /**
   * Who must go offline and be removed before a newcomer at `address` can be added; undefined for
   * nobody. Keys cost nothing, addresses do: whoever has most of them loses one.
   */
  inTheWayOf(address: string): RosterEntry | undefined {
    return this.#isFull && this.hasRoomFor(address) ? this.#shares.oldestOfLargest : undefined;
  }

  /**
   * A new entry, at `at`, offline until its first sign of life; undefined if there is no room. Nobody may
   * be in its way any more.
   */
  add(
    nowMs: number,
    peer: {
      readonly device: string;
      readonly incarnation: string;
      readonly name: string;
      readonly via: FoundVia;
    },
    at: Address,
  ): RosterEntry | undefined {
    if (this.#isFull) return undefined;
    const [longestOffline] = this.#offline;
    if (this.#entries.size >= this.#context.limits.peers && longestOffline !== undefined) {
      this.remove(longestOffline);
    }
    const entry = new RosterEntry(nowMs, peer, at, {
      maxAddresses: this.#context.limits.addressesPerPeer,
      keysChanged: (changed) => this.#file(changed),
    });
    this.#entries.set(peer.device, entry);
    this.#offline.add(entry);
    this.#file(entry);
    return entry;
  }

  #file(entry: RosterEntry): void {
    const { device, name, hosts } = entry;
    if (this.#entries.get(device) === entry) this.#index.file(entry, { device, name, hosts });
  }

  /** Forgets an entry that is offline. */
  remove(entry: RosterEntry): void {
    this.#entries.delete(entry.device);
    this.#offline.delete(entry);
    this.#index.delete(entry);
  }

  /** Tells the application if the state is another one than before. */
  setState(nowMs: number, entry: RosterEntry, state: PeerState): void {
    if (entry.state === state) return;
    if (state === "offline") {
      entry.offlineSinceMs = nowMs;
      this.#offline.add(entry);
    } else {
      this.#offline.delete(entry);
    }
    entry.state = state;
    this.#count(entry);
    this.#context.outputs.event({ kind: "peer", change: state, peer: entry.view() });
  }

  /**
   * It counts for the address where it came online, until it is offline: where it seems to be later
   * can be forged.
   */
  #count(entry: RosterEntry): void {
    const former = this.#addresses.get(entry);
    if (entry.state !== "offline" && former === undefined) {
      const { address } = entry.best;
      this.#shares.add(address, entry);
      this.#addresses.set(entry, address);
    } else if (entry.state === "offline" && former !== undefined) {
      this.#shares.delete(former, entry);
      this.#addresses.delete(entry);
    }
  }

  /** A peer that is online is online at this address. */
  hasOnlineAt(at: Address): boolean {
    for (const entry of this.#index.at(at.address)) {
      if (entry.state === "online" && entry.isAt(at)) return true;
    }
    return false;
  }

  /** Somebody who is not offline was seen at this IPv4 literal, whatever the port. */
  isSeenAt(address: string): boolean {
    for (const entry of this.#index.at(address)) {
      if (entry.state !== "offline") return true;
    }
    return false;
  }

  find(search: PeerSearch): PeerView[] {
    return [...this.#index.find(search)].map((entry) => entry.view());
  }

  views(): PeerView[] {
    return [...this.#entries.values()].map((entry) => entry.view());
  }
}
