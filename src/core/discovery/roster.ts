import type { CoreContext } from "../context.js";
import type { Address, FoundVia, PeerState, PeerView } from "../io.js";
import { RosterEntry } from "./rosterEntry.js";

/** Who is known: one entry per device key. Tells the application of every change of state. */
export class Roster {
  readonly #context: CoreContext;
  /** By device key; bounded by `limits.peers`. */
  readonly #entries = new Map<string, RosterEntry>();
  /** Entries that one beacon made and nothing confirmed, in that order. */
  readonly #heardOnce = new Set<RosterEntry>();
  #liveCount = 0;

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
    return this.#liveCount;
  }

  get #isFull(): boolean {
    return this.#liveCount >= this.#context.limits.peers;
  }

  /** False if a newcomer would be refused: whoever holds a place is not offline and well known. */
  get hasRoom(): boolean {
    return !this.#isFull || this.#heardOnce.size > 0;
  }

  /**
   * Who must go offline before a newcomer can be added; undefined for nobody. Beacons of invented
   * keys cost nothing: those that were heard once must not keep the others out.
   */
  get inTheWay(): RosterEntry | undefined {
    const [longestUnheard] = this.#heardOnce;
    return this.#isFull ? longestUnheard : undefined;
  }

  /** A second beacon, an answer or a session: it is no invention of a moment. */
  confirm(entry: RosterEntry): void {
    this.#heardOnce.delete(entry);
  }

  /**
   * A new entry, offline until its first sign of life; undefined if there is no room. Nobody may
   * be `inTheWay` any more.
   */
  add(
    nowMs: number,
    peer: {
      readonly device: string;
      readonly incarnation: string;
      readonly name: string;
      readonly via: FoundVia;
    },
  ): RosterEntry | undefined {
    if (this.#isFull) return undefined;
    if (this.#entries.size >= this.#context.limits.peers) this.#evictLongestOffline();
    const entry = new RosterEntry(nowMs, peer, this.#context.limits.addressesPerPeer);
    this.#entries.set(peer.device, entry);
    this.#heardOnce.add(entry);
    return entry;
  }

  #evictLongestOffline(): void {
    let longest: RosterEntry | undefined;
    for (const entry of this.#entries.values()) {
      if (entry.state !== "offline") continue;
      if (longest === undefined || entry.offlineSinceMs < longest.offlineSinceMs) longest = entry;
    }
    if (longest !== undefined) this.remove(longest);
  }

  /** Forgets an entry that is offline. */
  remove(entry: RosterEntry): void {
    if (entry.state !== "offline") return;
    this.#entries.delete(entry.device);
    this.#heardOnce.delete(entry);
  }

  /** Tells the application if the state is another one than before. */
  setState(nowMs: number, entry: RosterEntry, state: PeerState): void {
    if (entry.state === state) return;
    if (entry.state === "offline") this.#liveCount += 1;
    if (state === "offline") {
      this.#liveCount -= 1;
      entry.offlineSinceMs = nowMs;
    }
    entry.state = state;
    this.#context.outputs.event({ kind: "peer", change: state, peer: entry.view() });
  }

  /** A peer that is online is online at this address. */
  hasOnlineAt(at: Address): boolean {
    for (const entry of this.#entries.values()) {
      if (entry.state === "online" && entry.isAt(at)) return true;
    }
    return false;
  }

  views(): PeerView[] {
    return [...this.#entries.values()].map((entry) => entry.view());
  }
}
