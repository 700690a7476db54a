import type { Beacon, BeaconGroup, Instance } from "../../wire/presence.js";
import type { CoreContext } from "../context.js";
import type { Address, ContactPeer, FoundVia } from "../io.js";
import type { DuplicateKeys } from "./duplicateKeys.js";
import type { Liveness } from "./liveness.js";
import type { Roster } from "./roster.js";
import type { Hearing, RosterEntry } from "./rosterEntry.js";

/** An instance that is online said in which groups it is, and what it holds of them. */
export type GroupsAnnounced = (
  nowMs: number,
  instance: Instance,
  groups: readonly BeaconGroup[],
) => void;

/**
 * Keeps the entries of the roster true to what was heard and judged genuine.
 *
 * An entry belongs to one incarnation, and that has shown that it was running: by an answer to a
 * number of ours or in a session. From then on its new beacons are signs of life. Another
 * incarnation takes the entry only by showing the same. Where it is written to is never moved by
 * words alone: their source may be forged, and somebody else would get it all.
 */
export class Registrar {
  readonly #context: CoreContext;
  readonly #roster: Roster;
  readonly #liveness: Liveness;
  readonly #duplicateKeys: DuplicateKeys;
  readonly #isConfigured: (at: Address) => boolean;
  readonly #restarted: (nowMs: number, device: string) => void;
  readonly #groupsAnnounced: GroupsAnnounced;
  readonly #challenge: (nowMs: number, at: Address, device: string) => void;

  constructor(
    context: CoreContext,
    parts: {
      readonly roster: Roster;
      readonly liveness: Liveness;
      readonly duplicateKeys: DuplicateKeys;
      readonly isConfigured: (at: Address) => boolean;
      /** Another incarnation took the entry of the device. */
      readonly restarted: (nowMs: number, device: string) => void;
      readonly groupsAnnounced: GroupsAnnounced;
      /** The device must show that it is there. */
      readonly challenge: (nowMs: number, at: Address, device: string) => void;
    },
  ) {
    this.#context = context;
    this.#roster = parts.roster;
    this.#liveness = parts.liveness;
    this.#duplicateKeys = parts.duplicateKeys;
    this.#isConfigured = parts.isConfigured;
    this.#restarted = parts.restarted;
    this.#groupsAnnounced = parts.groupsAnnounced;
    this.#challenge = parts.challenge;
  }

  /** A new beacon of the entry's own incarnation. */
  beaconed(
    nowMs: number,
    entry: RosterEntry,
    beacon: Beacon,
    bytes: Uint8Array,
    at: Address,
  ): void {
    const renamed = entry.adopt(beacon, bytes);
    const moved = this.#heardFrom(nowMs, entry, at, "claimed", bytes.length);
    this.#alive(nowMs, entry, renamed || moved);
    this.#groupsAnnounced(nowMs, entry, entry.groups);
  }

  /** The latest beacon once more: perhaps another address, and by itself no sign of life. */
  repeated(nowMs: number, entry: RosterEntry, bytes: Uint8Array, at: Address): void {
    if (this.#heardFrom(nowMs, entry, at, "claimed", bytes.length)) this.#tellUpdated(entry);
  }

  /**
   * The instance that `beacon` speaks of is running, at `at`. Returns its entry: undefined if there
   * is no room, or another instance of the device holds it. `isThere`: it answered what had gone
   * to that very address. `bytes`: the datagram of that very beacon, if it came. `sizeBytes`: of
   * what showed it.
   */
  answered(
    nowMs: number,
    beacon: Beacon,
    at: Address,
    found: {
      readonly via: FoundVia;
      readonly isThere: boolean;
      readonly bytes: Uint8Array | undefined;
      readonly sizeBytes: number;
    },
  ): RosterEntry | undefined {
    const { device, incarnation } = beacon;
    const entry = this.#roster.get(device) ?? this.#add(nowMs, beacon, at, found.via);
    if (entry === undefined) return undefined;
    const restarted = entry.incarnation !== incarnation;
    if (restarted && !entry.yieldsTo(nowMs, beacon)) {
      this.#duplicateKeys.rivalProved(nowMs, beacon, at);
      return undefined;
    }
    if (restarted) entry.restart(incarnation, at);
    const isNews = beacon.sequence > entry.sequence;
    const renamed = isNews && entry.adopt(beacon, found.bytes);
    const how = found.isThere ? "answered" : "claimed";
    const moved = this.#heardFrom(nowMs, entry, at, how, found.sizeBytes);
    this.#alive(nowMs, entry, restarted || renamed || moved);
    this.#duplicateKeys.holderProved(nowMs, beacon);
    if (restarted) this.#restarted(nowMs, device);
    if (isNews) this.#groupsAnnounced(nowMs, entry, entry.groups);
    return entry;
  }

  /** An authenticated session packet came from the peer's address. Runs for every packet. */
  contacted(nowMs: number, peer: ContactPeer, rttMs: number | undefined): void {
    const known = this.#roster.get(peer.id);
    const entry = known ?? this.#add(nowMs, { ...peer, device: peer.id }, peer, "contact");
    if (entry === undefined) return;
    const restarted = entry.incarnation !== peer.incarnation;
    if (restarted) {
      // Its one-shot process beside the one that announces itself: that one keeps the entry.
      if (entry.beaconed && entry.isLive(nowMs)) return;
      entry.restart(peer.incarnation, peer);
    } else if (entry.departed) {
      return; // a straggler behind the goodbye
    }
    const renamed = !entry.beaconed && entry.name !== peer.name;
    if (renamed) entry.name = peer.name;
    const moved = this.#heardFrom(nowMs, entry, peer, "confirmed", 0);
    if (rttMs !== undefined) entry.sampleRtt(rttMs);
    this.#alive(nowMs, entry, restarted || renamed || moved);
    this.#duplicateKeys.holderProved(nowMs, entry);
  }

  /** The entry goes, whatever its state. */
  remove(nowMs: number, entry: RosterEntry): void {
    this.#liveness.gone(nowMs, entry);
    this.#roster.remove(entry);
  }

  #add(
    nowMs: number,
    peer: { readonly device: string; readonly incarnation: string; readonly name: string },
    at: Address,
    via: FoundVia,
  ): RosterEntry | undefined {
    const { device, incarnation, name } = peer;
    const inTheWay = this.#roster.inTheWayOf(at.address);
    if (inTheWay !== undefined) this.remove(nowMs, inTheWay);
    const foundVia = this.#isConfigured(at) ? "configured" : via;
    return this.#roster.add(nowMs, { device, incarnation, name, via: foundVia }, at);
  }

  /** True if its best address changed. */
  #heardFrom(
    nowMs: number,
    entry: RosterEntry,
    at: Address,
    how: Hearing,
    sizeBytes: number,
  ): boolean {
    const heard = entry.heardFrom(nowMs, at, how, sizeBytes);
    if (heard === "unproven") this.#challenge(nowMs, at, entry.device);
    return heard === "moved";
  }

  /** A sign of life. Coming online tells everything; otherwise a change is told by itself. */
  #alive(nowMs: number, entry: RosterEntry, changed: boolean): void {
    const wasOnline = entry.state === "online";
    this.#liveness.alive(nowMs, entry);
    if (wasOnline && changed) this.#tellUpdated(entry);
  }

  #tellUpdated(entry: RosterEntry): void {
    this.#context.outputs.event({ kind: "peer", change: "updated", peer: entry.view() });
  }
}
