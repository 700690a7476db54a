import { sameBytes } from "../../wire/cursor.js";
import { type Answer, type Beacon, decodeBeacon, decodeLeave } from "../../wire/presence.js";
import { isAuthentic } from "../authenticity.js";
import type { CoreContext } from "../context.js";
import type { ReceivedDatagram } from "../io.js";
import { SourceGate } from "../sourceGate.js";
import type { Candidates } from "./candidates.js";
import type { DuplicateKeys } from "./duplicateKeys.js";
import type { OpenQuery } from "./querying.js";
import type { Roster } from "./roster.js";
import type { RosterEntry } from "./rosterEntry.js";

/**
 * Signatures checked for whoever sends unasked, genuine ones included: keys cost nothing. A node
 * says something new every ten seconds; the rest is for hosts with many users.
 */
const CHECKS = { unauthenticatedPerSecondPerSource: 10, unauthenticatedPerSecond: 1000 };

/** A genuine beacon. */
export type AdmittedBeacon =
  /** Something new of an instance in the roster that is live: a sign of life. */
  | { readonly kind: "life"; readonly beacon: Beacon; readonly entry: RosterEntry }
  /** The same bytes again, of such an instance: another interface, or a replay. */
  | { readonly kind: "repeated"; readonly beacon: Beacon; readonly entry: RosterEntry }
  /** Of anybody else: may be a recording. Its sender must show that it is running now. */
  | { readonly kind: "claim"; readonly beacon: Beacon };

type Received = Pick<ReceivedDatagram, "bytes" | "from">;

/**
 * Judges what others say of themselves, the cheapest check first and the signature last. What does
 * not pass is counted and dropped, and leaves no trace.
 */
export class Admission {
  readonly #context: CoreContext;
  readonly #roster: Roster;
  readonly #candidates: Candidates;
  readonly #duplicateKeys: DuplicateKeys;
  /** A process that does not announce itself may run beside the one that does. */
  readonly #reportTwins: boolean;
  readonly #checks = new SourceGate(CHECKS);
  /** Of answers to questions that only their receiver has seen. */
  readonly #asked: SourceGate;
  /** What was decoded last: each beacon comes by broadcast and by multicast, one after the other. */
  #decoded: { readonly bytes: Uint8Array; readonly beacon: Beacon } | undefined;

  constructor(
    context: CoreContext,
    parts: {
      readonly roster: Roster;
      readonly candidates: Candidates;
      readonly duplicateKeys: DuplicateKeys;
      readonly reportTwins: boolean;
    },
  ) {
    this.#context = context;
    this.#roster = parts.roster;
    this.#candidates = parts.candidates;
    this.#duplicateKeys = parts.duplicateKeys;
    this.#reportTwins = parts.reportTwins;
    this.#asked = new SourceGate(context.limits);
  }

  /** What the beacon datagram is, if it is to be believed. Throws MALFORMED_DATAGRAM. */
  beacon(nowMs: number, received: Received): AdmittedBeacon | undefined {
    const beacon = this.#decode(received.bytes);
    if (this.#isOwn(beacon.device)) {
      if (!this.#mayBeTwin(beacon)) return undefined;
      return this.#claim(nowMs, beacon, received);
    }
    const entry = this.#roster.get(beacon.device);
    if (entry === undefined) {
      if (this.#roster.hasRoomFor(received.from.address)) {
        return this.#claim(nowMs, beacon, received);
      }
      this.#context.counters.add("peersRefused");
      return undefined;
    }
    if (entry.incarnation === beacon.incarnation) {
      return this.#ofRoster(nowMs, entry, beacon, received);
    }
    if (entry.isLive(nowMs) && this.#duplicateKeys.isReported(beacon)) return undefined;
    return this.#claim(nowMs, beacon, received);
  }

  #decode(bytes: Uint8Array): Beacon {
    if (this.#decoded === undefined || !sameBytes(this.#decoded.bytes, bytes)) {
      this.#decoded = { bytes: new Uint8Array(bytes), beacon: decodeBeacon(bytes) };
    }
    return this.#decoded.beacon;
  }

  /** Of the instance that has the roster's entry. */
  #ofRoster(
    nowMs: number,
    entry: RosterEntry,
    beacon: Beacon,
    received: Received,
  ): AdmittedBeacon | undefined {
    if (beacon.sequence > entry.sequence) {
      // Of who is known from a session alone nothing tells a recording from news.
      const isUncomparable = entry.state === "offline" || entry.sequence < 0;
      if (isUncomparable) return this.#claim(nowMs, beacon, received);
      return this.#isGenuine(nowMs, beacon.device, received)
        ? { kind: "life", beacon, entry }
        : undefined;
    }
    if (!isSame(entry.beaconBytes, received.bytes)) {
      this.#context.counters.add("beaconsStale");
      return undefined;
    }
    // Whoever is silent is not kept alive, or moved, by a replay.
    return entry.isLive(nowMs) ? { kind: "repeated", beacon, entry } : undefined;
  }

  #claim(nowMs: number, beacon: Beacon, received: Received): AdmittedBeacon | undefined {
    const known = this.#candidates.get(beacon);
    if (known !== undefined && beacon.sequence <= known.beacon.sequence) {
      if (isSame(known.bytes, received.bytes)) return { kind: "claim", beacon };
      this.#context.counters.add("beaconsStale");
      return undefined;
    }
    return this.#isGenuine(nowMs, beacon.device, received) ? { kind: "claim", beacon } : undefined;
  }

  /** True if the answer to `query` is to be believed: the nonce in it shows that it is no replay. */
  answer(nowMs: number, query: OpenQuery, answer: Answer, received: Received): boolean {
    const { beacon, announces } = answer;
    // The first one counted; this one is late, or came by another way.
    if (!query.awaits(beacon.device, this.#context.limits.peers)) return false;
    if (!announces && !query.direct) return false;
    if (this.#isOwn(beacon.device)) {
      if (!announces || !this.#mayBeTwin(beacon)) return false;
    } else if (announces && !this.#hasPlaceFor(beacon, received)) {
      return false;
    }
    return query.direct
      ? isAuthentic(this.#context, nowMs, beacon.device, received, this.#asked)
      : this.#isGenuine(nowMs, beacon.device, received);
  }

  #hasPlaceFor(beacon: Beacon, { from }: Received): boolean {
    const entry = this.#roster.get(beacon.device);
    if (entry === undefined) {
      if (this.#roster.hasRoomFor(from.address)) return true;
      this.#context.counters.add("peersRefused");
      return false;
    }
    // It was overtaken by the goodbye.
    const isStraggler =
      entry.departed &&
      entry.incarnation === beacon.incarnation &&
      beacon.sequence <= entry.sequence;
    return !isStraggler;
  }

  /** The peer whose genuine goodbye this is. Throws MALFORMED_DATAGRAM. */
  leave(nowMs: number, received: Received): RosterEntry | undefined {
    const leave = decodeLeave(received.bytes);
    if (this.#isOwn(leave.device)) return undefined;
    const entry = this.#roster.get(leave.device);
    if (entry?.incarnation !== leave.incarnation) {
      const candidate = this.#candidates.get(leave);
      if (candidate === undefined || leave.sequence <= candidate.beacon.sequence) return undefined;
      if (this.#isGenuine(nowMs, leave.device, received)) this.#candidates.delete(leave);
      return undefined;
    }
    // Also its repetitions: they carry the sequence of the first.
    if (leave.sequence <= entry.sequence) return undefined;
    if (!this.#isGenuine(nowMs, leave.device, received)) return undefined;
    this.#candidates.delete(leave);
    entry.depart(leave.sequence);
    return entry;
  }

  #isOwn(device: string): boolean {
    if (device !== this.#context.identity.device) return false;
    this.#context.counters.add("datagramsOwn");
    return true;
  }

  /** Our key and not ourselves. */
  #mayBeTwin(beacon: Beacon): boolean {
    if (beacon.incarnation === this.#context.incarnation || !this.#reportTwins) return false;
    return !this.#duplicateKeys.isReported(beacon);
  }

  /** Costs much, and spends the sender's allowance even if it is genuine: ask last. */
  #isGenuine(nowMs: number, device: string, received: Received): boolean {
    const { trust, counters } = this.#context;
    if (!trust.isBlocked(device) && !this.#checks.admits(nowMs, received.from.address)) {
      counters.add("datagramsThrottled");
      return false;
    }
    const isGenuine = isAuthentic(this.#context, nowMs, device, received);
    if (isGenuine) this.#checks.passed(received.from.address);
    return isGenuine;
  }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && sameBytes(a, b);
}
