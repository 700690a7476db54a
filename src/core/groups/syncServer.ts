import { MAX_DATAGRAM_BYTES } from "../../wire/constants.js";
import { decodeGroupData } from "../../wire/group.js";
import {
  GroupSyncPurpose,
  SYNC_DATAGRAMS_BYTES,
  type SyncAsk,
  type SyncFetch,
  type SyncStream,
} from "../../wire/groupSync.js";
import { RangeSet } from "../rangeSet.js";
import type { Archive } from "./archive.js";
import type { GroupsContext } from "./groupsContext.js";
import type { SyncEnvelope } from "./syncEnvelope.js";
import { packFairly } from "./syncPacking.js";
import type { SyncPost } from "./syncPost.js";

/** One answer to a fetch has no more. */
const MAX_ANSWER_DATAGRAMS = 500;
const MAX_ANSWER_BYTES = 256 * 1024;
/** Numbers looked at for one answer: each may be read from the disk for nothing. */
const MAX_ANSWER_NUMBERS = 1024;
/** What an answer costs besides its bytes, in bytes: an empty one is not free, nor is a look. */
const MIN_ANSWER_COST_BYTES = 4096;
const LOOK_COST_BYTES = 64;
/** To read a question costs as much as so many bytes sent, for each of its own. */
const READ_COST = 2;
/** No question and its offer cost more. */
const MAX_OFFER_COST_BYTES = (READ_COST + 1) * 64 * 1024;
/** Of a datagram in a record. */
const LENGTH_BYTES = 2;

/** What others ask of us in one group. Keeps nothing between two questions. */
export class SyncServer {
  readonly #context: GroupsContext;
  readonly #archive: Archive;
  readonly #envelope: SyncEnvelope;
  readonly #post: SyncPost;

  constructor(context: GroupsContext, archive: Archive, envelope: SyncEnvelope, post: SyncPost) {
    this.#context = context;
    this.#archive = archive;
    this.#envelope = envelope;
    this.#post = post;
  }

  /** A question of this purpose may be read and answered now: nothing of it is read before. */
  admits(nowMs: number, from: string, purpose: SyncAsk["purpose"] | SyncFetch["purpose"]): boolean {
    const { syncRates } = this.#context;
    if (purpose === GroupSyncPurpose.fetch) return syncRates.hasRoom(nowMs, from, MAX_ANSWER_BYTES);
    return syncRates.hasRoom(nowMs, from, MAX_OFFER_COST_BYTES) && syncRates.mayAsk(nowMs, from);
  }

  /** Says what the asker lacks. `questionBytes`: of what was read. */
  offer(nowMs: number, to: string, { request, partial, streams }: SyncAsk, questionBytes: number) {
    this.#context.counters.add("syncsServed");
    const lacking = packFairly(this.#lackingIn(streams, partial), this.#context.random);
    const purpose = GroupSyncPurpose.offer;
    const sizeBytes = this.#post.send(nowMs, to, { purpose, request, ...lacking });
    this.#context.syncRates.spend(nowMs, to, sizeBytes + READ_COST * questionBytes);
  }

  /** What we hold and `theirs` do not. `partial`: streams that are absent there say nothing. */
  #lackingIn(theirs: readonly SyncStream[], partial: boolean): SyncStream[] {
    const theirRanges = new Map(
      theirs.map(({ device, incarnation, ranges }) => [device + incarnation, ranges]),
    );
    const lacking: SyncStream[] = [];
    for (const stream of this.#archive.streams()) {
      const known = theirRanges.get(stream.device + stream.incarnation);
      if (known === undefined && partial) continue;
      const held = RangeSet.of(known ?? []);
      const ranges = stream.ranges.flatMap(({ first, last }) =>
        held.missing(first, last, Number.POSITIVE_INFINITY),
      );
      if (ranges.length > 0) lacking.push({ ...stream, ranges });
    }
    return lacking;
  }

  /** Sends what was asked for, as far as one answer goes. */
  serve(nowMs: number, to: string, fetch: SyncFetch, questionBytes: number): void {
    const { syncRates } = this.#context;
    const { records, looked } = this.#answer(fetch);
    const purpose = GroupSyncPurpose.data;
    let costBytes = MIN_ANSWER_COST_BYTES + looked * LOOK_COST_BYTES + READ_COST * questionBytes;
    for (const [index, datagrams] of records.entries()) {
      const last = index === records.length - 1;
      const { request } = fetch;
      const data = { purpose, request, index, last, looked: last ? looked : 0, datagrams };
      costBytes += this.#post.send(nowMs, to, data);
      this.#context.counters.add("syncDatagramsSent", datagrams.length);
    }
    syncRates.spend(nowMs, to, Math.min(costBytes, MAX_ANSWER_BYTES));
  }

  /** In the order in which it was said, as far as that is known from what fits one answer. */
  #answer({ keyIds, streams }: SyncFetch): { records: Uint8Array[][]; looked: number } {
    const found: { readonly hlc: number; readonly bytes: Uint8Array }[] = [];
    let answerBytes = 0;
    let looked = 0;
    for (const [of, sequence] of numbersOf(streams)) {
      const isFull = answerBytes + MAX_DATAGRAM_BYTES > MAX_ANSWER_BYTES;
      if (isFull || found.length >= MAX_ANSWER_DATAGRAMS || looked >= MAX_ANSWER_NUMBERS) break;
      looked += 1;
      const kept = this.#archive.read(of, sequence);
      const bytes = kept === undefined ? undefined : this.#envelope.wrapDatagram(kept, keyIds);
      if (kept === undefined || bytes === undefined) continue;
      const [first] = decodeGroupData(kept.bytes).entries;
      found.push({ hlc: first?.hlc ?? 0, bytes });
      answerBytes += bytes.length + LENGTH_BYTES;
    }
    const inOrder = found.toSorted((one, other) => one.hlc - other.hlc);
    return { records: inRecords(inOrder.map(({ bytes }) => bytes)), looked };
  }

  /** So that it need not wait for an answer. */
  turnAway(nowMs: number, to: string, request: number): void {
    this.#context.counters.add("syncsRefused");
    if (!this.#context.syncRates.mayTurnAway(nowMs, to)) return;
    this.#post.send(nowMs, to, { purpose: GroupSyncPurpose.busy, request });
  }
}

/** One record at least. */
function inRecords(datagrams: readonly Uint8Array[]): Uint8Array[][] {
  let record: Uint8Array[] = [];
  const records = [record];
  let recordBytes = 0;
  for (const bytes of datagrams) {
    const sizeBytes = bytes.length + LENGTH_BYTES;
    if (recordBytes + sizeBytes > SYNC_DATAGRAMS_BYTES) {
      record = [];
      records.push(record);
      recordBytes = 0;
    }
    record.push(bytes);
    recordBytes += sizeBytes;
  }
  return records;
}

/** All that is named, in order. */
function* numbersOf(streams: readonly SyncStream[]): Iterable<[SyncStream, number]> {
  for (const stream of streams) {
    for (const { first, last } of stream.ranges) {
      for (let sequence = first; sequence <= last; sequence += 1) yield [stream, sequence];
    }
  }
}
