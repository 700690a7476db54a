import { type Beacon, decodeBeacon, decodeLeave } from "../../wire/presence.js";
import { isAuthentic } from "../authenticity.js";
import { BoundedMap } from "../boundedMap.js";
import type { CoreContext } from "../context.js";
import type { Address, ReceivedDatagram } from "../io.js";
import type { Roster } from "./roster.js";
import type { RosterEntry } from "./rosterEntry.js";

/** Other live incarnations of our own key already reported; the oldest is forgotten. */
const MAX_REPORTED_TWINS = 16;

/** A beacon that may be believed. */
export interface AdmittedBeacon {
  readonly beacon: Beacon;
  readonly bytes: Uint8Array;
  /**
   * Byte for byte the last verified one of this peer, so not verified again: it came through
   * another interface, in an answer, or is a replay. By itself it is no sign of life.
   */
  readonly repeated: boolean;
}

/**
 * Judges what others say of themselves, the cheapest check first and the signature last. What
 * does not pass is counted and dropped; a key that is live in two places is reported.
 */
export class Admission {
  readonly #context: CoreContext;
  readonly #roster: Roster;
  /** A process that does not announce itself may run beside the one that does. */
  readonly #reportTwins: boolean;
  /** Incarnations. */
  readonly #reportedTwins = new BoundedMap<string, true>(MAX_REPORTED_TWINS);

  constructor(context: CoreContext, roster: Roster, options: { readonly reportTwins: boolean }) {
    this.#context = context;
    this.#roster = roster;
    this.#reportTwins = options.reportTwins;
  }

  /** The beacon datagram `bytes` if it is to be believed. Throws MALFORMED_DATAGRAM. */
  beacon(nowMs: number, bytes: Uint8Array, from: Address): AdmittedBeacon | undefined {
    const beacon = decodeBeacon(bytes);
    if (beacon.device === this.#context.identity.device) {
      this.#ownKey(nowMs, beacon, bytes, from);
      return undefined;
    }
    const entry = this.#roster.get(beacon.device);
    if (entry === undefined) {
      if (this.#roster.hasRoom) return this.#verified(nowMs, beacon, bytes, from);
      this.#context.counters.add("peersRefused");
      return undefined;
    }
    if (entry.incarnation === beacon.incarnation) {
      return this.#known(nowMs, entry, beacon, bytes, from);
    }
    // The one that started last wins the entry; an older one only when that has fallen silent,
    // as after a restart with the clock set back.
    if (beacon.startedAtMs > entry.startedAtMs || !entry.isLive(nowMs)) {
      return this.#verified(nowMs, beacon, bytes, from);
    }
    this.#rival(nowMs, entry, beacon, bytes, from);
    return undefined;
  }

  /** What an answer to a query of ours says; the nonce in it shows that it is no replay. */
  answer(
    nowMs: number,
    beacon: Beacon,
    datagram: Pick<ReceivedDatagram, "bytes" | "from">,
  ): AdmittedBeacon | undefined {
    if (beacon.device === this.#context.identity.device) {
      this.#context.counters.add("datagramsOwn");
      return undefined;
    }
    const entry = this.#roster.get(beacon.device);
    const isOlder =
      entry !== undefined &&
      entry.incarnation !== beacon.incarnation &&
      beacon.startedAtMs <= entry.startedAtMs &&
      entry.isLive(nowMs);
    if (isOlder || (entry === undefined && !this.#roster.hasRoom)) return undefined;
    if (!isAuthentic(this.#context, nowMs, beacon.device, datagram)) return undefined;
    return { beacon, bytes: datagram.bytes, repeated: false };
  }

  #known(
    nowMs: number,
    entry: RosterEntry,
    beacon: Beacon,
    bytes: Uint8Array,
    from: Address,
  ): AdmittedBeacon | undefined {
    if (beacon.sequence > entry.sequence) return this.#verified(nowMs, beacon, bytes, from);
    if (entry.beaconBytes !== undefined && equalBytes(entry.beaconBytes, bytes)) {
      return { beacon, bytes, repeated: true };
    }
    this.#context.counters.add("beaconsStale");
    return undefined;
  }

  #verified(
    nowMs: number,
    beacon: Beacon,
    bytes: Uint8Array,
    from: Address,
  ): AdmittedBeacon | undefined {
    return isAuthentic(this.#context, nowMs, beacon.device, { bytes, from })
      ? { beacon, bytes, repeated: false }
      : undefined;
  }

  /** The peer whose genuine goodbye this is. Throws MALFORMED_DATAGRAM. */
  leave(nowMs: number, bytes: Uint8Array, from: Address): RosterEntry | undefined {
    const leave = decodeLeave(bytes);
    if (leave.device === this.#context.identity.device) {
      this.#context.counters.add("datagramsOwn");
      return undefined;
    }
    const entry = this.#roster.get(leave.device);
    if (entry === undefined || entry.incarnation !== leave.incarnation) return undefined;
    // Also its repetitions: they carry the sequence of the first.
    if (leave.sequence <= entry.sequence) return undefined;
    if (!isAuthentic(this.#context, nowMs, leave.device, { bytes, from })) return undefined;
    entry.depart(leave.sequence);
    return entry;
  }

  /** Our own beacon that came back, or another process with our key. */
  #ownKey(nowMs: number, beacon: Beacon, bytes: Uint8Array, from: Address): void {
    this.#context.counters.add("datagramsOwn");
    if (beacon.incarnation === this.#context.incarnation || !this.#reportTwins) return;
    if (this.#reportedTwins.has(beacon.incarnation)) return;
    if (!isAuthentic(this.#context, nowMs, beacon.device, { bytes, from })) return;
    this.#reportedTwins.set(beacon.incarnation, true);
    this.#reportDuplicate(beacon, from);
  }

  /** An incarnation that is older than the one in the roster, which is live. */
  #rival(
    nowMs: number,
    entry: RosterEntry,
    beacon: Beacon,
    bytes: Uint8Array,
    from: Address,
  ): void {
    if (entry.hasReportedRival(beacon.incarnation)) return;
    if (!isAuthentic(this.#context, nowMs, beacon.device, { bytes, from })) return;
    entry.reportRival(beacon.incarnation);
    this.#reportDuplicate(beacon, from);
  }

  #reportDuplicate(beacon: Beacon, from: Address): void {
    const at: Address = { address: from.address, port: beacon.dataPort };
    this.#context.outputs.event({
      kind: "duplicateKey",
      peer: {
        ...at,
        id: beacon.device,
        name: beacon.name,
        incarnation: beacon.incarnation,
        state: "online",
        via: "broadcast",
        rttMs: undefined,
        addresses: [at],
      },
    });
  }
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
