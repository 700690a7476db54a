import { blake2b } from "../../crypto/hash.js";
import { GROUP_DIGEST_BYTES } from "../../wire/constants.js";
import { toHex } from "../../wire/cursor.js";
import type { SequenceRange } from "../../wire/group.js";
import { readingAt } from "../../wire/hybridReading.js";
import type { Instance } from "../../wire/presence.js";
import { BoundedMap } from "../boundedMap.js";
import type { CoreContext } from "../context.js";
import { RangeSet } from "../rangeSet.js";
import type { GroupLog, HeldStream, LoggedDatagram } from "./groupLog.js";

/** The shortest BLAKE2b that the library makes. */
const MIN_HASH_BYTES = 16;
/** This share of the bound is forgotten at once: each search for what to forget costs a walk. */
const FORGET_SHARE = 1 / 100;
/** Every start of every member is one: they cost more than the datagrams in them. */
const MAX_STREAMS = 2048;
/** Who has more than this share of the bounds loses his own first, however late he spoke. */
const AUTHOR_SHARE = 1 / 4;
/** Streams of which we remember up to where they were forgotten. */
const MAX_FORGOTTEN_STREAMS = 4096;

/** One incarnation of a member, ourselves included. */
interface Stream {
  readonly of: Instance;
  readonly held: RangeSet;
  latestHlc: number;
  /** Of what is held; undefined while it changed since. */
  line: string | undefined;
}

/** What is held of one author. */
interface Holding {
  datagrams: number;
  streams: number;
}

/**
 * What we hold of one group: which signed datagrams of whom, so that we can repeat them to whoever
 * lacks them. Only the numbers are in memory; the bytes are in the log, from the end of the turn in
 * which they were told to be kept, and here until then. At most `limits.groupLogDatagrams`: of an
 * author who has more than a quarter of them, or else of the one who was silent for longest, the
 * first ones go, by the same rule at every member. So nobody pushes out what all others said.
 */
export class Archive {
  readonly #context: Pick<CoreContext, "outputs" | "limits">;
  readonly #log: GroupLog;
  readonly #groupId: string;
  /** By device and incarnation; at most `MAX_STREAMS`. */
  readonly #streams = new Map<string, Stream>();
  /** Told in this turn, by stream and sequence. */
  readonly #fresh = new Map<string, LoggedDatagram>();
  #freshTurn = -1;
  /**
   * Up to which sequence a stream was forgotten, by stream: it is not taken in again. Lost with a
   * restart, after which the application still knows the messages in it, or they are too old.
   */
  readonly #forgotten = new BoundedMap<string, number>(MAX_FORGOTTEN_STREAMS);
  /** By device; bounded by the streams. */
  readonly #holdings = new Map<string, Holding>();
  #count = 0;
  #digest: string | undefined;

  constructor(context: Pick<CoreContext, "outputs" | "limits">, log: GroupLog, groupId: string) {
    this.#context = context;
    this.#log = log;
    this.#groupId = groupId;
    for (const { device, incarnation, ranges, latestHlc } of log.streams(groupId)) {
      const of = { device, incarnation };
      const stream = { of, held: RangeSet.of(ranges), latestHlc, line: undefined };
      this.#streams.set(keyOf(of), stream);
      this.#add(device, { datagrams: countOf(ranges), streams: 1 });
    }
  }

  has(of: Instance, sequence: number): boolean {
    return this.#streams.get(keyOf(of))?.held.has(sequence) ?? false;
  }

  /** Held, or held once and given up: not wanted (again). */
  isKnown(of: Instance, sequence: number): boolean {
    return this.has(of, sequence) || sequence <= (this.#forgotten.get(keyOf(of)) ?? 0);
  }

  /** The highest sequence held; 0 for none. */
  highest(of: Instance): number {
    return Math.max(0, this.#streams.get(keyOf(of))?.held.highest ?? 0);
  }

  /** The first sequence behind all that is held, or was. */
  next(of: Instance): number {
    return Math.max(this.highest(of), this.#forgotten.get(keyOf(of)) ?? 0) + 1;
  }

  /** The lowest sequence held; 0 for none. */
  lowest(of: Instance): number {
    return this.#streams.get(keyOf(of))?.held.lowest ?? 0;
  }

  /** What is wanted from `first` to `last`, ascending, at most `limit` ranges. */
  missing(of: Instance, first: number, last: number, limit: number): SequenceRange[] {
    const key = keyOf(of);
    const held = this.#streams.get(key)?.held;
    const from = Math.max(first, (this.#forgotten.get(key) ?? 0) + 1);
    if (held !== undefined) return held.missing(from, last, limit);
    return from <= last && limit > 0 ? [{ first: from, last }] : [];
  }

  /** What of `ranges`, ascending, is held: the lowest sequences, at most `limit`. */
  heldIn(of: Instance, ranges: readonly SequenceRange[], limit: number): number[] {
    const found: number[] = [];
    const held = this.#streams.get(keyOf(of))?.held;
    for (const wanted of ranges) {
      for (const { first, last } of held?.present(wanted.first, wanted.last) ?? []) {
        for (let next = first; next <= last; next += 1) {
          if (found.length >= limit) return found;
          found.push(next);
        }
      }
    }
    return found;
  }

  /** Everything held, who spoke last first. */
  streams(): HeldStream[] {
    return Array.from(this.#streams.values(), ({ of, held, latestHlc }) => ({
      ...of,
      ranges: held.ascending(),
      latestHlc,
    })).toSorted((a, b) => b.latestHlc - a.latestHlc);
  }

  /** The highest reading of the hybrid clock in anything held; 0 for none. */
  get latestHlc(): number {
    let latest = 0;
    for (const stream of this.#streams.values()) latest = Math.max(latest, stream.latestHlc);
    return latest;
  }

  /** The same of what this device said in its other starts. */
  latestHlcElsewhere({ device, incarnation }: Instance): number {
    let latest = 0;
    for (const { of, latestHlc } of this.#streams.values()) {
      if (of.device === device && of.incarnation !== incarnation)
        latest = Math.max(latest, latestHlc);
    }
    return latest;
  }

  /** Datagrams held. */
  get count(): number {
    return this.#count;
  }

  /**
   * So many of the latest of a device are kept, whatever others say: what nobody else takes, and
   * his share at least. One for the moment, however small the bounds.
   */
  roomFor(device: string): number {
    const limit = this.#context.limits.groupLogDatagrams;
    const ofOthers = this.#count - (this.#holdings.get(device)?.datagrams ?? 0);
    const room = Math.max(limit - ofOthers, limit * AUTHOR_SHARE) - limit * FORGET_SHARE;
    return Math.max(1, Math.floor(room));
  }

  /** Keeps a datagram whose signature was checked. False, and nothing happens, if it is known. */
  keep(of: Instance, hlc: number, datagram: LoggedDatagram): boolean {
    if (this.isKnown(of, datagram.sequence)) return false;
    const key = keyOf(of);
    const known = this.#streams.get(key);
    const stream = known ?? {
      of: { device: of.device, incarnation: of.incarnation },
      held: new RangeSet(Number.POSITIVE_INFINITY),
      latestHlc: 0,
      line: undefined,
    };
    stream.held.add(datagram.sequence);
    this.#streams.set(key, stream);
    stream.latestHlc = Math.max(stream.latestHlc, hlc);
    this.#changed(stream);
    this.#add(of.device, { datagrams: 1, streams: known === undefined ? 1 : 0 });
    const kept = { ...datagram, bytes: new Uint8Array(datagram.bytes) };
    this.#freshOfThisTurn().set(freshKey(key, datagram.sequence), kept);
    const groupId = this.#groupId;
    this.#context.outputs.event({ kind: "groupDatagram", groupId, of: stream.of, hlc, ...kept });
    this.#forgetSurplus();
    return true;
  }

  /**
   * Of every stream the first ones, as far as they were said before `beforeMs`, milliseconds since
   * 1970, are forgotten.
   */
  forgetBefore(beforeMs: number): void {
    const fresh = [...this.#freshOfThisTurn()];
    for (const [key, stream] of this.#streams) {
      const { of, held, latestHlc } = stream;
      // What the log has not got yet was taken in a moment ago.
      const newest = fresh.flatMap(([at, { sequence }]) => (at.startsWith(key) ? sequence : []));
      const isOld = latestHlc < readingAt(beforeMs);
      const old = this.#log.saidBefore(this.#groupId, of, beforeMs) ?? (isOld ? held.highest : 0);
      const upTo = Math.min(old, ...newest.map((sequence) => sequence - 1));
      if ((held.lowest ?? upTo + 1) <= upTo) this.#forget(stream, upTo);
    }
  }

  /** What was said up to there is older than what we keep: it is not taken in (any more). */
  refuseUpTo(of: Instance, sequence: number): void {
    const key = keyOf(of);
    this.#forgotten.set(key, Math.max(sequence, this.#forgotten.get(key) ?? 0));
  }

  /** Undefined if it is not held, or the log lost it, or cannot read it now. */
  read(of: Instance, sequence: number): LoggedDatagram | undefined {
    const found = this.find(of, sequence);
    return typeof found === "string" ? undefined : found;
  }

  /** Undefined if it is not held; `unreadable`: the log cannot read it now; `gone`: it lost it. */
  find(of: Instance, sequence: number): LoggedDatagram | "unreadable" | "gone" | undefined {
    if (!this.has(of, sequence)) return undefined;
    const fresh = this.#freshOfThisTurn().get(freshKey(keyOf(of), sequence));
    if (fresh !== undefined) return fresh;
    const logged = this.#log.read(this.#groupId, of, { first: sequence, last: sequence });
    return logged === undefined ? "unreadable" : (logged[0] ?? "gone");
  }

  /**
   * Of everything held, 16 hexadecimal digits: two members with the same one have nothing to tell
   * each other. PROTOCOL.md section 6.5.
   */
  get digest(): string {
    this.#digest ??= this.#computeDigest();
    return this.#digest;
  }

  #computeDigest(): string {
    const lines: string[] = [];
    for (const stream of this.#streams.values()) {
      stream.line ??= lineOf(stream);
      lines.push(stream.line);
    }
    const hash = blake2b(this.#groupId + lines.toSorted().join(""), MIN_HASH_BYTES);
    return toHex(hash.subarray(0, GROUP_DIGEST_BYTES));
  }

  #changed(stream: Stream): void {
    stream.line = undefined;
    this.#digest = undefined;
  }

  #freshOfThisTurn(): Map<string, LoggedDatagram> {
    const { turn } = this.#context.outputs;
    if (this.#freshTurn !== turn) this.#fresh.clear();
    this.#freshTurn = turn;
    return this.#fresh;
  }

  #add(device: string, { datagrams, streams }: Holding): void {
    const holding = this.#holdings.get(device) ?? { datagrams: 0, streams: 0 };
    holding.datagrams += datagrams;
    holding.streams += streams;
    if (holding.datagrams > 0) this.#holdings.set(device, holding);
    else this.#holdings.delete(device);
    this.#count += datagrams;
  }

  #forgetSurplus(): void {
    if (this.#streams.size > MAX_STREAMS) {
      const stalest = this.#stalest(this.#whoHasMost("streams", MAX_STREAMS));
      if (stalest !== undefined) this.#forget(stalest, stalest.held.highest);
    }
    const limit = this.#context.limits.groupLogDatagrams;
    if (this.#count <= limit) return;
    let surplus = this.#count - limit + Math.floor(limit * FORGET_SHARE);
    while (surplus > 0) {
      const stalest = this.#stalest(this.#whoHasMost("datagrams", limit));
      const [lowest] = stalest?.held.ascending(1) ?? [];
      if (stalest === undefined || lowest === undefined) return;
      surplus -= this.#forget(stalest, Math.min(lowest.last, lowest.first + surplus - 1));
    }
  }

  /** Whoever has the largest part of `bound`, if that is more than his share. */
  #whoHasMost(what: keyof Holding, bound: number): string | undefined {
    let heaviest: string | undefined;
    let most = bound * AUTHOR_SHARE;
    for (const [device, holding] of this.#holdings) {
      if (holding[what] <= most) continue;
      heaviest = device;
      most = holding[what];
    }
    return heaviest;
  }

  /** The stream, of `device` if it is named, that is silent for longest. */
  #stalest(device: string | undefined): Stream | undefined {
    let stalest: Stream | undefined;
    for (const stream of this.#streams.values()) {
      if (device !== undefined && stream.of.device !== device) continue;
      if (stalest === undefined || stream.latestHlc < stalest.latestHlc) stalest = stream;
    }
    return stalest;
  }

  /** Returns how many datagrams that were. */
  #forget(stream: Stream, upToSequence: number): number {
    const { of, held } = stream;
    const count = countOf([...held.present(1, upToSequence)]);
    held.removeUpTo(upToSequence);
    this.refuseUpTo(of, upToSequence);
    const isGone = held.rangeCount === 0;
    if (isGone) this.#streams.delete(keyOf(of));
    this.#add(of.device, { datagrams: -count, streams: isGone ? -1 : 0 });
    this.#changed(stream);
    const groupId = this.#groupId;
    this.#context.outputs.event({ kind: "groupForgotten", groupId, of, upToSequence });
    return count;
  }
}

function countOf(ranges: readonly SequenceRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

function keyOf({ device, incarnation }: Instance): string {
  return device + incarnation;
}

function freshKey(streamKey: string, sequence: number): string {
  return `${streamKey} ${sequence}`;
}

function lineOf({ of, held }: Stream): string {
  const ranges = held.ascending().map(({ first, last }) => `${first}-${last}`);
  return ` ${of.device} ${of.incarnation} ${ranges.join(",")}\n`;
}
