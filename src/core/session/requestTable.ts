import { ReplyStatus, type ReplyStatusCode } from "../../wire/record.js";
import type { Limits } from "../limits.js";

/** Bodies of replies kept for one peer. */
const REPLY_MEMORY_BYTES = 4 * 1024 * 1024;

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
  /** Oldest first; bounded by `repliesPerPeer`, their age and `REPLY_MEMORY_BYTES`. */
  readonly #done = new Map<number, StoredReply>();
  #bodyBytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** False if too many are running: refuse it. */
  begin(sequence: number): boolean {
    if (this.#running.size >= this.#limits.repliesPerPeer) return false;
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
    this.#done.set(sequence, { status, body, doneAtMs: nowMs });
    this.#bodyBytes += body.length;
    this.#expire(nowMs);
  }

  repeated(nowMs: number, sequence: number): RepeatedRequest {
    if (this.#running.has(sequence)) return { kind: "running" };
    this.#expire(nowMs);
    const reply = this.#done.get(sequence);
    return reply === undefined ? EXPIRED : { kind: "done", status: reply.status, body: reply.body };
  }

  #expire(nowMs: number): void {
    for (const [sequence, reply] of this.#done) {
      const tooOld = nowMs - reply.doneAtMs > this.#limits.replyLifetimeMs;
      const tooMany = this.#done.size > this.#limits.repliesPerPeer;
      if (!tooOld && !tooMany && this.#bodyBytes <= REPLY_MEMORY_BYTES) return;
      this.#done.delete(sequence);
      this.#bodyBytes -= reply.body.length;
    }
  }
}
