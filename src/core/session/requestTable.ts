import { ReplyStatus, type ReplyStatusCode } from "../../wire/record.js";
import type { Limits } from "../limits.js";

/** Bodies of replies kept for one peer. */
const REPLY_MEMORY_BYTES = 4 * 1024 * 1024;
/** Of replies that the peer does not have yet: more than that, and the oldest expire untold. */
const UNDELIVERED_MEMORY_BYTES = 16 * 1024 * 1024;

interface StoredReply {
  readonly status: ReplyStatusCode;
  readonly body: Uint8Array;
  readonly doneAtMs: number;
}

/** What to do with a request that arrived again. */
export type RepeatedRequest =
  /** Still being executed: the acknowledgement is answer enough. */
  | { readonly kind: "running" }
  /** Send this reply again. */
  | { readonly kind: "done"; readonly status: ReplyStatusCode; readonly body: Uint8Array };

const EXPIRED: RepeatedRequest = {
  kind: "done",
  status: ReplyStatus.expired,
  body: new Uint8Array(0),
};

/**
 * Exactly-once effect for the requests of one incarnation of a peer.
 *
 * | state   | first arrival      | arrives again      | our reply        |
 * | ------- | ------------------ | ------------------ | ---------------- |
 * | unseen  | execute -> running | (can't be)         | ignored          |
 * | running | (can't be)         | acknowledge only   | send -> done     |
 * | done    | (can't be)         | send reply again   | ignored          |
 * | expired | (can't be)         | refuse: `expired`  | ignored          |
 *
 * Whether a sequence was seen is known to the lane, for ever; this table knows the outcome, for
 * `replyLifetimeMs` and `repliesPerPeer`. Seen but not here means expired.
 */
export class RequestTable {
  readonly #limits: Limits;
  /** Bounded by `repliesPerPeer`. */
  readonly #running = new Set<number>();
  /** The peer has them. Oldest first; bounded by `repliesPerPeer`, age and memory. */
  readonly #delivered = new ReplyStore();
  /** It may not have them: they outlast those that it has. Bounded alike. */
  readonly #undelivered = new ReplyStore();
  #lastDoneAtMs = Number.NEGATIVE_INFINITY;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** False if too many are running, or too much waits to be fetched: refuse it. */
  begin(sequence: number): boolean {
    if (this.#running.size >= this.#limits.repliesPerPeer) return false;
    if (this.#undelivered.bodyBytes >= REPLY_MEMORY_BYTES) return false;
    this.#running.add(sequence);
    return true;
  }

  /** Keeps the reply of a running request; false if it is not running (any more). */
  finish(nowMs: number, sequence: number, status: ReplyStatusCode, body: Uint8Array): boolean {
    if (!this.#running.delete(sequence)) return false;
    this.store(nowMs, sequence, status, body);
    return true;
  }

  /** Keeps a reply for repeats. */
  store(nowMs: number, sequence: number, status: ReplyStatusCode, body: Uint8Array): void {
    this.#undelivered.add(sequence, { status, body, doneAtMs: nowMs });
    this.#lastDoneAtMs = nowMs;
    this.#expire(nowMs);
  }

  /** The peer has the reply: of all replies these are the first to go. */
  delivered(sequence: number): void {
    const reply = this.#undelivered.take(sequence);
    if (reply !== undefined) this.#delivered.add(sequence, reply);
  }

  get isRunning(): boolean {
    return this.#running.size > 0;
  }

  /** Sequences of the requests that are being executed. */
  get running(): readonly number[] {
    return [...this.#running];
  }

  /** Until then a repeated request can be answered with its outcome; -Infinity if with none. */
  get keepUntilMs(): number {
    if (this.isRunning) return Number.POSITIVE_INFINITY;
    return this.#lastDoneAtMs + this.#limits.replyLifetimeMs;
  }

  repeated(nowMs: number, sequence: number): RepeatedRequest {
    if (this.#running.has(sequence)) return { kind: "running" };
    this.#expire(nowMs);
    const reply = this.#undelivered.get(sequence) ?? this.#delivered.get(sequence);
    return reply === undefined ? EXPIRED : { kind: "done", status: reply.status, body: reply.body };
  }

  #expire(nowMs: number): void {
    const { repliesPerPeer, replyLifetimeMs } = this.#limits;
    const sinceMs = nowMs - replyLifetimeMs;
    this.#undelivered.shrink(sinceMs, repliesPerPeer, UNDELIVERED_MEMORY_BYTES);
    this.#delivered.shrink(
      sinceMs,
      repliesPerPeer - this.#undelivered.size,
      REPLY_MEMORY_BYTES - this.#undelivered.bodyBytes,
    );
  }
}

/** Replies by request sequence, the first stored first. Bounded by `shrink`. */
class ReplyStore {
  readonly #replies = new Map<number, StoredReply>();
  /** Goes on where it was: from its front a Map walks over the holes of all that were deleted. */
  readonly #walk = this.#replies.keys();
  /** Where the walk is. */
  #head: number | undefined;
  #bodyBytes = 0;

  get size(): number {
    return this.#replies.size;
  }

  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  add(sequence: number, reply: StoredReply): void {
    this.take(sequence);
    this.#replies.set(sequence, reply);
    this.#bodyBytes += reply.body.length;
  }

  get(sequence: number): StoredReply | undefined {
    return this.#replies.get(sequence);
  }

  take(sequence: number): StoredReply | undefined {
    const reply = this.#replies.get(sequence);
    if (reply !== undefined && this.#replies.delete(sequence)) this.#bodyBytes -= reply.body.length;
    return reply;
  }

  /** Drops what is older than `sinceMs`, and the first until the rest is within bounds. */
  shrink(sinceMs: number, maxReplies: number, maxBodyBytes: number): void {
    for (let first = this.#first(); first !== undefined; first = this.#first()) {
      const fits = this.size <= maxReplies && this.#bodyBytes <= maxBodyBytes;
      const doneAtMs = this.#replies.get(first)?.doneAtMs ?? 0;
      if (fits && doneAtMs >= sinceMs) return;
      this.take(first);
    }
  }

  /** The sequence of the reply that was stored first. */
  #first(): number | undefined {
    if (this.size === 0) return undefined;
    while (this.#head === undefined || !this.#replies.has(this.#head)) {
      const next = this.#walk.next();
      if (next.done === true) return undefined; // can't be: what was added last lies ahead
      this.#head = next.value;
    }
    return this.#head;
  }
}
