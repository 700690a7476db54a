import { MAX_AMPLIFICATION } from "../../wire/constants.js";
import type { Beacon, BeaconGroup } from "../../wire/presence.js";
import { clamp } from "../clamp.js";
import {
  type Address,
  type FoundVia,
  isSameAddress,
  type PeerState,
  type PeerView,
} from "../io.js";

/** What a peer without a beacon is taken to promise: the upper end of the shortest interval. */
const DEFAULT_PROMISE_MS = 12_500;
/** A peer's promise is its own word: bounded, so that it is neither probed nor kept for ever. */
const MIN_PROMISE_MS = 1_000;
/** The longest of our own rule: 4096 nodes x 402 bytes at 64 kbit/s is 206 s, x 1.25; and some. */
const MAX_PROMISE_MS = 270_000;
/** An interface loses a beacon now and then; so many in a row that came another way is a move. */
const BEACONS_MISSED_BY_MOVE = 2;
/** A session packet this recent proves an address in spite of beacons that missed it. */
const FRESHLY_CONFIRMED_MS = 1_000;

/**
 * How a peer was heard from an address: its words came from there, which anybody can forge who
 * recorded them, and itself for its own; it answered a query that had gone there; or it talked in
 * a session.
 */
export type Hearing = "claimed" | "answered" | "confirmed";

interface SeenAddress extends Address {
  port: number;
  heardAtMs: number;
  /** The newest beacon that it was heard with. */
  sequence: number;
  /** Last authenticated session packet from here; -Infinity for none. */
  confirmedAtMs: number;
  /** This incarnation answered a query that had gone here, or talked in a session from here. */
  isProven: boolean;
  /** So much may go here unless it is proven, for what came from here. */
  creditBytes: number;
}

/**
 * One device of the roster: what it last said of itself, and where it was heard. Its incarnation
 * has shown that it was running, by an answer to a query of ours or in a session.
 */
export class RosterEntry {
  readonly device: string;
  readonly via: FoundVia;
  readonly #maxAddresses: number;
  readonly #keysChanged: (entry: RosterEntry) => void;
  #name: string;

  state: PeerState = "offline";
  offlineSinceMs: number;
  lastHeardMs: number;
  incarnation: string;
  /** Of the incarnation; -1 until it sent a beacon. */
  startedAtMs = -1;
  /** Highest verified sequence of the incarnation; -1 for none. */
  sequence = -1;
  /** Its last verified beacon, a copy. */
  beaconBytes: Uint8Array | undefined;
  /** That it is in, by what it said last; at most `MAX_BEACON_GROUPS`. */
  groups: readonly BeaconGroup[] = [];
  /** A beacon of it came: otherwise it merely talked to us. */
  beaconed = false;
  /** This incarnation said goodbye. */
  departed = false;
  promiseMs = DEFAULT_PROMISE_MS;
  srttMs: number | undefined;
  /** The best first; bounded by `limits.addressesPerPeer`. */
  #addresses: [SeenAddress, ...SeenAddress[]];
  /** IPv4 literals that a proof was wanted of since the latest beacon; bounded as `#addresses`. */
  readonly #doubted = new Set<string>();

  constructor(
    nowMs: number,
    peer: {
      readonly device: string;
      readonly incarnation: string;
      readonly name: string;
      readonly via: FoundVia;
    },
    at: Address,
    options: {
      readonly maxAddresses: number;
      /** Its name is another one, or its hosts are others. */
      readonly keysChanged: (entry: RosterEntry) => void;
    },
  ) {
    this.device = peer.device;
    this.incarnation = peer.incarnation;
    this.#name = peer.name;
    this.via = peer.via;
    this.offlineSinceMs = nowMs;
    this.lastHeardMs = nowMs;
    this.#maxAddresses = options.maxAddresses;
    this.#keysChanged = options.keysChanged;
    this.#addresses = [unheardAt(at)];
  }

  get name(): string {
    return this.#name;
  }

  set name(name: string) {
    if (name === this.#name) return;
    this.#name = name;
    this.#keysChanged(this);
  }

  /** IPv4 literals where it was seen, the best first. */
  get hosts(): string[] {
    return this.#addresses.map(({ address }) => address);
  }

  /** Heard within the time it promised, and has not left. */
  isLive(nowMs: number): boolean {
    return this.state !== "offline" && nowMs - this.lastHeardMs <= this.promiseMs;
  }

  /**
   * Another incarnation takes the entry once it is proven: the one that started last has it; an
   * older one only when that has fallen silent, as after a restart with the clock set back.
   */
  yieldsTo(nowMs: number, { incarnation, startedAtMs }: Beacon): boolean {
    if (incarnation === this.incarnation) return false;
    return startedAtMs > this.startedAtMs || !this.isLive(nowMs);
  }

  /** The device started again, at `at`: nothing that its former incarnation said still holds. */
  restart(incarnation: string, at: Address): void {
    this.incarnation = incarnation;
    this.startedAtMs = -1;
    this.sequence = -1;
    this.beaconBytes = undefined;
    this.groups = [];
    this.departed = false;
    this.srttMs = undefined;
    this.#addresses = [unheardAt(at)];
    this.#doubted.clear();
    this.#keysChanged(this);
  }

  /**
   * Takes over what this incarnation says of itself; `bytes`: the beacon datagram that it said the
   * same with, if it came. True if the name changed.
   */
  adopt(beacon: Beacon, bytes: Uint8Array | undefined): boolean {
    const renamed = this.name !== beacon.name;
    this.name = beacon.name;
    this.startedAtMs = beacon.startedAtMs;
    this.sequence = beacon.sequence;
    this.groups = beacon.groups;
    this.promiseMs = clamp(beacon.intervalMs, MIN_PROMISE_MS, MAX_PROMISE_MS);
    this.beaconBytes = bytes === undefined ? undefined : new Uint8Array(bytes);
    this.beaconed = true;
    this.departed = false;
    this.#doubted.clear();
    return renamed;
  }

  /** This incarnation said goodbye; `sequence` lies above all its beacons. */
  depart(sequence: number): void {
    this.departed = true;
    this.sequence = sequence;
    this.beaconBytes = undefined;
  }

  /**
   * The peer was heard from `from`. "moved": its best address is another one now. The best stays
   * the best while it is heard: two interfaces must not make it flap. Only a session, or loopback,
   * displaces one that is still heard; but one that misses beacons which come from elsewhere has
   * been left. "unproven": `from` would be the best one, if the peer showed that it is there; told
   * once for each beacon. `sizeBytes`: of the datagram, if it counts for what may be sent there.
   */
  heardFrom(
    nowMs: number,
    from: Address,
    how: Hearing,
    sizeBytes: number,
  ): "same" | "moved" | "unproven" {
    const seen = this.#addresses.find(({ address }) => address === from.address);
    const candidate = seen ?? this.#remember(from);
    const portChanged = candidate.port !== from.port;
    const [best] = this.#addresses;
    // Judge before the marks are set: they may be those of the best address itself.
    const displaces = candidate !== best && this.#displaces(nowMs, candidate, best);
    candidate.port = from.port;
    candidate.heardAtMs = nowMs;
    candidate.sequence = this.sequence;
    if (how === "confirmed") candidate.confirmedAtMs = nowMs;
    candidate.isProven ||= how !== "claimed";
    candidate.creditBytes += MAX_AMPLIFICATION * sizeBytes;
    if (candidate === best) return portChanged ? "moved" : "same";
    if (!candidate.isProven) return displaces && this.#doubts(candidate) ? "unproven" : "same";
    if (!displaces && how !== "confirmed" && best.isProven) return "same";
    this.#addresses = [candidate, ...this.#addresses.filter((other) => other !== candidate)];
    return "moved";
  }

  /** True the first time since the latest beacon, of a few addresses. */
  #doubts({ address }: Address): boolean {
    if (this.#doubted.has(address) || this.#doubted.size >= this.#maxAddresses) return false;
    this.#doubted.add(address);
    return true;
  }

  #displaces(nowMs: number, candidate: SeenAddress, best: SeenAddress): boolean {
    const left = this.sequence - best.sequence >= BEACONS_MISSED_BY_MOVE;
    if (left && nowMs - best.confirmedAtMs > FRESHLY_CONFIRMED_MS) return true;
    if (nowMs - best.confirmedAtMs <= this.promiseMs) return false;
    if (nowMs - best.heardAtMs > this.promiseMs) return true;
    return isLoopback(candidate) && !isLoopback(best);
  }

  /** A new address behind the others; beyond the bound the longest unheard makes room. */
  #remember(from: Address): SeenAddress {
    const added = unheardAt(from);
    if (this.#addresses.length >= this.#maxAddresses) {
      const [best, ...others] = this.#addresses;
      const unheard = others.reduce<SeenAddress | undefined>(
        (oldest, other) =>
          oldest === undefined || other.heardAtMs < oldest.heardAtMs ? other : oldest,
        undefined,
      );
      this.#addresses = [best, ...others.filter((other) => other !== unheard)];
    }
    this.#addresses.push(added);
    this.#keysChanged(this);
    return added;
  }

  /** RFC 6298 section 2: alpha is 1/8. */
  sampleRtt(rttMs: number): void {
    this.srttMs = this.srttMs === undefined ? rttMs : (7 * this.srttMs + rttMs) / 8;
  }

  /** Time in which nobody could have been heard does not count as silence. */
  shift(nowMs: number, lagMs: number): void {
    const shifted = (atMs: number): number => Math.min(nowMs, atMs + lagMs);
    this.lastHeardMs = shifted(this.lastHeardMs);
    for (const seen of this.#addresses) {
      seen.heardAtMs = shifted(seen.heardAtMs);
      seen.confirmedAtMs = shifted(seen.confirmedAtMs);
    }
  }

  get best(): Address {
    const [{ address, port }] = this.#addresses;
    return { address, port };
  }

  /** The best address, if the peer has shown that it is there. */
  get proven(): Address | undefined {
    return this.#addresses[0].isProven ? this.best : undefined;
  }

  /** It has shown that it is, or was, at this IPv4 literal. */
  isProvenAt(host: string): boolean {
    return this.#addresses.some(({ address, isProven }) => isProven && address === host);
  }

  /**
   * What was heard from `to` pays for `sizeBytes` more: where the peer has not shown that it is,
   * somebody else may be, and gets no more than three bytes for each (RFC 9000 section 8.1). True
   * for an address that is not from here.
   */
  takeCredit(to: Address, sizeBytes: number): boolean {
    const seen = this.#addresses.find(({ address }) => address === to.address);
    if (seen === undefined || seen.isProven) return true;
    if (seen.creditBytes < sizeBytes) return false;
    seen.creditBytes -= sizeBytes;
    return true;
  }

  isAt(at: Address): boolean {
    return this.#addresses.some((known) => isSameAddress(known, at));
  }

  view(): PeerView {
    return {
      id: this.device,
      name: this.name,
      ...this.best,
      incarnation: this.incarnation,
      state: this.state,
      via: this.via,
      rttMs: this.srttMs,
      addresses: this.#addresses.map(({ address, port }) => ({ address, port })),
    };
  }
}

function unheardAt({ address, port }: Address): SeenAddress {
  const neverMs = Number.NEGATIVE_INFINITY;
  const never = { heardAtMs: neverMs, sequence: -1, confirmedAtMs: neverMs };
  return { address, port, ...never, isProven: false, creditBytes: 0 };
}

/** 127.0.0.0/8 (RFC 1122 section 3.2.1.3): the same host, so nothing is nearer. */
function isLoopback(at: Address): boolean {
  return at.address.startsWith("127.");
}
