import { decodeGroupData, type GroupData } from "../../wire/group.js";
import {
  GroupSyncPurpose,
  groupedByDevice,
  packStreams,
  type SyncData,
  type SyncOffer,
  type SyncStream,
} from "../../wire/groupSync.js";
import type { Instance } from "../../wire/presence.js";
import { RangeSet } from "../rangeSet.js";
import type { Alarm } from "../timers.js";
import type { Archive } from "./archive.js";
import type { GroupsContext } from "./groupsContext.js";
import type { ArchivedVerdict, KeptDatagram } from "./hearsay.js";
import type { SyncEnvelope } from "./syncEnvelope.js";
import { packFairly } from "./syncPacking.js";
import type { SyncPartner } from "./syncPartners.js";
import type { SyncPost } from "./syncPost.js";

/** Nothing came for so long: somebody else is asked. */
const PATIENCE_MS = 10_000;
/**
 * So long one member may be the only one that is asked: an honest one gives everything in less, and
 * the others have it too.
 */
const MAX_EXCHANGE_MS = 120_000;
/** Whoever was turned away in the middle comes again after this. */
const BUSY_AGAIN_MS = 500;
/** Answers that brought nothing, and answers in all, after which it is enough for now. */
const MAX_EMPTY_ANSWERS = 16;
const MAX_ANSWERS = 64;
/** An honest answer has fewer records. */
const MAX_ANSWER_RECORDS = 16;
/** Numbers in one fetch. Nobody keeps more of a group than `limits.groupLogDatagrams`. */
const MAX_FETCH_RANGES = 8192;

/** From this share of `limits.groupLogDatagrams` on, what is older than all that is held has no room. */
const FULL_SHARE = 0.98;

/** How an exchange ended. */
export type SyncOutcome =
  /** The other side has nothing (any more) that we want. */
  | "done"
  /** It said that it has no time. */
  | "busy"
  | "silent"
  /** It sent what is forged, or what nobody asked for. */
  | "cheated";

/** What an exchange needs of the group around it. */
export interface SyncExchangeSurroundings {
  readonly archive: Archive;
  readonly envelope: SyncEnvelope;
  readonly post: SyncPost;
  /** Nothing that this device said is wanted. */
  isUnwanted(device: string): boolean;
  /** A datagram that was fetched. */
  take(nowMs: number, data: GroupData, datagram: KeptDatagram, from: string): ArchivedVerdict;
  ended(nowMs: number, exchange: SyncExchange, outcome: SyncOutcome): void;
}

/**
 * Gets from one member what it holds and we lack.
 *
 * ```text
 *   ask (what we hold) ->  offer (what we lack)
 *   fetch (what we want of it) -> data, data, ...      until nothing is left to fetch
 * ```
 */
export class SyncExchange {
  readonly device: string;
  readonly #context: GroupsContext;
  readonly #around: SyncExchangeSurroundings;
  readonly #partner: SyncPartner;
  #request = 0;
  #phase: "asking" | "fetching" = "asking";
  /** What is to be fetched still, in the order in which it is served. */
  #wanted: readonly SyncStream[] = [];
  /** Of `#wanted`, by stream: what was fetched and may come; and what came. */
  #fetched = new Map<string, RangeSet>();
  #came = new Map<string, Set<number>>();
  /** Of the present answer: indexes that came, and how many there are once it is known. */
  readonly #indexes = new Set<number>();
  #recordCount = Number.POSITIVE_INFINITY;
  #looked = 0;
  #answers = 0;
  #emptyAnswers = 0;
  #takenCount = 0;
  #progressAtMs: number;
  readonly #endsAtMs: number;
  readonly #due: Alarm = (nowMs) => this.#onDue(nowMs);

  constructor(
    nowMs: number,
    context: GroupsContext,
    around: SyncExchangeSurroundings,
    whom: { readonly device: string; readonly partner: SyncPartner },
  ) {
    this.device = whom.device;
    this.#partner = whom.partner;
    this.#context = context;
    this.#around = around;
    this.#progressAtMs = nowMs;
    this.#endsAtMs = nowMs + MAX_EXCHANGE_MS;
  }

  /** Datagrams that were new to us. */
  get takenCount(): number {
    return this.#takenCount;
  }

  /** An answer to our present question carries this. */
  awaits(request: number): boolean {
    return request !== 0 && request === this.#request;
  }

  /** Begins with a question. */
  ask(nowMs: number): void {
    this.#nextRequest();
    const held = packFairly(this.#around.archive.streams(), this.#context.random);
    const purpose = GroupSyncPurpose.ask;
    this.#around.post.send(nowMs, this.device, { purpose, request: this.#request, ...held });
    this.#progress(nowMs);
  }

  /** Something of what the other side shows is worth fetching. */
  wants(nowMs: number, theirs: readonly SyncStream[]): boolean {
    return this.#wantedOf(nowMs, theirs).length > 0;
  }

  /** Begins with what the other side showed of its own accord. False if nothing of it is wanted. */
  fetch(nowMs: number, theirs: readonly SyncStream[]): boolean {
    this.#wanted = this.#wantedOf(nowMs, theirs);
    if (this.#wanted.length === 0) return false;
    this.#fetchNext(nowMs);
    return true;
  }

  // Answers, that it awaits.

  offered(nowMs: number, { streams }: SyncOffer): void {
    if (this.#phase !== "asking") return;
    if (!this.fetch(nowMs, streams)) this.#end(nowMs, "done");
  }

  turnedAway(nowMs: number): void {
    if (this.#phase === "asking") {
      this.#end(nowMs, "busy");
      return;
    }
    const againAtMs = nowMs + BUSY_AGAIN_MS;
    if (againAtMs < this.#progressAtMs + PATIENCE_MS) {
      this.#request = 0;
      this.#context.timers.set(this.#due, againAtMs);
    } else this.#end(nowMs, "busy");
  }

  received(nowMs: number, data: SyncData): void {
    if (this.#phase !== "fetching") return;
    if (this.#indexes.has(data.index)) return;
    if (data.index >= MAX_ANSWER_RECORDS) {
      this.#end(nowMs, "cheated");
      return;
    }
    this.#indexes.add(data.index);
    for (const datagram of data.datagrams) {
      if (this.#take(nowMs, datagram)) continue;
      this.#context.counters.add("syncDatagramsRefused");
      this.#end(nowMs, "cheated");
      return;
    }
    if (data.last) {
      this.#recordCount = data.index + 1;
      this.#looked = data.looked;
    }
    this.#progress(nowMs);
    if (this.#indexes.size >= this.#recordCount) this.#answerComplete(nowMs);
  }

  /** Nothing more is sent or taken. */
  close(): void {
    this.#request = 0;
    this.#context.timers.clear(this.#due);
  }

  /** False if it is forged, or was not asked for. Throws MALFORMED_DATAGRAM alone. */
  #take(nowMs: number, datagram: Uint8Array): boolean {
    const { envelope } = this.#around;
    const opened = envelope.openDatagram(datagram);
    if (opened === undefined) return false;
    const data = decodeGroupData(opened.bytes);
    const key = keyOf(data);
    if (this.#fetched.get(key)?.has(data.sequence) !== true) return false;
    const came = this.#came.get(key) ?? new Set();
    this.#came.set(key, came);
    if (came.has(data.sequence)) return false;
    came.add(data.sequence);
    if (this.#around.isUnwanted(data.device)) return true; // by now
    const verdict = this.#around.take(nowMs, data, opened, this.device);
    if (verdict === "unwanted") this.#partner.couldNotGive(nowMs, data, data.sequence);
    if (verdict === "kept") {
      this.#takenCount += 1;
      this.#emptyAnswers = -1;
      this.#context.counters.add("datagramsSynced");
    }
    return verdict !== "forged";
  }

  #answerComplete(nowMs: number): void {
    this.#answers += 1;
    this.#emptyAnswers += 1;
    const rest = this.#without(nowMs, this.#looked);
    const isStuck = this.#looked === 0 || this.#emptyAnswers >= MAX_EMPTY_ANSWERS;
    // What came by other means in the meantime is not asked for.
    this.#wanted = this.#wantedOf(nowMs, rest);
    const isOver = this.#wanted.length === 0 || isStuck || this.#answers >= MAX_ANSWERS;
    if (isOver) this.#end(nowMs, "done");
    else this.#fetchNext(nowMs);
  }

  /** What is left of `#wanted` behind the first `looked` numbers; notes what did not come of those. */
  #without(nowMs: number, looked: number): SyncStream[] {
    const rest: SyncStream[] = [];
    let left = looked;
    for (const stream of this.#wanted) {
      const came = this.#came.get(keyOf(stream));
      const ranges: { first: number; last: number }[] = [];
      for (const { first, last } of stream.ranges) {
        const passed = Math.min(left, last - first + 1);
        left -= passed;
        for (let sequence = first; sequence < first + passed; sequence += 1) {
          if (came?.has(sequence) === true) continue;
          this.#partner.couldNotGive(nowMs, stream, sequence);
        }
        if (first + passed <= last) ranges.push({ first: first + passed, last });
      }
      if (ranges.length > 0) rest.push({ ...stream, ranges });
    }
    return rest;
  }

  #fetchNext(nowMs: number): void {
    this.#phase = "fetching";
    this.#nextRequest();
    this.#indexes.clear();
    this.#recordCount = Number.POSITIVE_INFINITY;
    this.#looked = 0;
    const { streams } = packStreams(this.#wanted);
    this.#fetched = new Map(streams.map((stream) => [keyOf(stream), RangeSet.of(stream.ranges)]));
    this.#came = new Map();
    const { envelope, post } = this.#around;
    const purpose = GroupSyncPurpose.fetch;
    const { keyIds } = envelope;
    post.send(nowMs, this.device, { purpose, request: this.#request, keyIds, streams });
    this.#progress(nowMs);
  }

  /** What of `theirs` we lack, and this member may be able to give. */
  #wantedOf(nowMs: number, theirs: readonly SyncStream[]): SyncStream[] {
    const { archive } = this.#around;
    const { identity, incarnation, limits } = this.#context;
    const { groupLogDatagrams } = limits;
    const isFull = archive.count >= FULL_SHARE * groupLogDatagrams;
    const lowestHlc = isFull ? (archive.streams().at(-1)?.latestHlc ?? 0) : 0;
    const floorHlc = Math.max(lowestHlc, this.#context.oldestHlc(nowMs));
    const wanted: SyncStream[] = [];
    let roomRanges = MAX_FETCH_RANGES;
    let roomNumbers = groupLogDatagrams;
    for (const stream of groupedByDevice(theirs)) {
      // What we say at this start we know best.
      const isOurs = stream.device === identity.device && stream.incarnation === incarnation;
      if (isOurs || this.#around.isUnwanted(stream.device)) continue;
      // It would push out what we hold, or be the next to be forgotten, or is too old.
      if (stream.latestHlc < floorHlc) continue;
      const floor = isFull ? archive.lowest(stream) : 0;
      const unavailable = this.#partner.unavailable(nowMs, stream);
      const ranges: { first: number; last: number }[] = [];
      for (const lacking of lackingOf(archive, stream, floor, roomRanges)) {
        const open = unavailable?.missing(lacking.first, lacking.last, roomRanges) ?? [lacking];
        for (const { first, last } of open) {
          const count = Math.min(last - first + 1, roomNumbers);
          if (count === 0 || roomRanges === 0) break;
          ranges.push({ first, last: first + count - 1 });
          roomNumbers -= count;
          roomRanges -= 1;
        }
      }
      if (ranges.length > 0) wanted.push({ ...stream, ranges });
    }
    return wanted;
  }

  #nextRequest(): void {
    // Not to be guessed by whoever answers before it was asked; 0 is nobody's.
    this.#request = 1 + Math.floor(this.#context.random.uniform() * 0xffff_fffe);
  }

  #progress(nowMs: number): void {
    this.#progressAtMs = nowMs;
    this.#context.timers.set(this.#due, Math.min(nowMs + PATIENCE_MS, this.#endsAtMs));
  }

  #onDue(nowMs: number): void {
    const isWaiting = this.#request === 0;
    if (!isWaiting || nowMs >= this.#endsAtMs) {
      this.#end(nowMs, "silent");
      return;
    }
    const progressAtMs = this.#progressAtMs;
    this.#fetchNext(nowMs);
    // To be turned away is no progress.
    this.#progressAtMs = progressAtMs;
  }

  #end(nowMs: number, outcome: SyncOutcome): void {
    this.close();
    this.#around.ended(nowMs, this, outcome);
  }
}

function* lackingOf(
  archive: Archive,
  stream: SyncStream,
  floor: number,
  limit: number,
): Iterable<{ first: number; last: number }> {
  for (const { first, last } of stream.ranges) {
    yield* archive.missing(stream, Math.max(first, floor), last, limit);
  }
}

function keyOf({ device, incarnation }: Instance): string {
  return device + incarnation;
}
