import { Lane } from "../../wire/frames.js";
import {
  encodeRecord,
  messageId,
  RecordKind,
  ReplyStatus,
  type ReplyStatusCode,
  type RequestRecord,
} from "../../wire/record.js";
import type { CoreContext } from "../context.js";
import type { PeerRef, RequestReply } from "../io.js";
import { Outgoing, type Purpose } from "./outgoing.js";
import { RequestTable } from "./requestTable.js";

/** When a reply was written, and its place among our messages: makes its id. */
interface Stamp {
  readonly sentAtMs: number;
  readonly messageSequence: number;
}

/** An answer with its place among our messages. */
export type NumberedReply = RequestReply & Stamp;

/** A repeated reply goes by the request it answers; its own id is told only the first time. */
const NO_STAMP: Stamp = { sentAtMs: 0, messageSequence: 0 };
const EMPTY = new Uint8Array(0);

/** The requests of one incarnation of a peer: handed on once each, and answered however often. */
export class Answering {
  readonly #context: CoreContext;
  readonly #peer: () => PeerRef & { readonly incarnation: string };
  /** False if there is no room. */
  readonly #send: (nowMs: number, reply: Outgoing) => boolean;
  readonly #table: RequestTable;
  /** Requests whose replies are on their way. Bounded by the queue towards the peer. */
  readonly #inFlight = new Set<number>();
  /** Those for whose replies the queue had no room, oldest first. Bounded by `repliesPerPeer`. */
  readonly #owed = new Set<number>();

  constructor(
    context: CoreContext,
    options: {
      readonly peer: () => PeerRef & { readonly incarnation: string };
      readonly send: (nowMs: number, reply: Outgoing) => boolean;
    },
  ) {
    this.#context = context;
    this.#peer = options.peer;
    this.#send = options.send;
    this.#table = new RequestTable(context.limits);
  }

  /** A request that was never here before. */
  arrived(nowMs: number, laneSequence: number, request: RequestRecord): void {
    if (!this.#table.begin(laneSequence)) {
      this.#table.store(nowMs, laneSequence, ReplyStatus.busy, EMPTY);
      this.#sendReply(nowMs, laneSequence, ReplyStatus.busy, EMPTY, NO_STAMP);
      return;
    }
    const from = this.#peer();
    this.#context.outputs.event({
      kind: "request",
      key: { id: from.id, incarnation: from.incarnation, laneSequence },
      from,
      messageId: messageId(request.incarnation, request.messageSequence),
      sentAtMs: request.sentAtMs,
      body: request.body,
    });
  }

  /** A request came again: the reply may be what was lost. */
  repeated(nowMs: number, laneSequence: number): void {
    if (this.#inFlight.has(laneSequence) || this.#owed.has(laneSequence)) return;
    const repeat = this.#table.repeated(nowMs, laneSequence);
    if (repeat.kind === "running") return;
    this.#context.counters.add("requestsRepeated");
    this.#sendReply(nowMs, laneSequence, repeat.status, repeat.body, NO_STAMP);
  }

  /** Our answer; ignored if that request is not running. */
  reply(nowMs: number, reply: NumberedReply): void {
    const { status, body } = reply;
    const { laneSequence } = reply.key;
    if (!this.#table.finish(nowMs, laneSequence, status, body)) return;
    this.#context.counters.add("requestsExecuted");
    this.#sendReply(nowMs, laneSequence, status, body, reply);
  }

  /** Requests are being executed. */
  get isRunning(): boolean {
    return this.#table.isRunning;
  }

  /** Until then a repeated request can be answered with its outcome; -Infinity if with none. */
  get keepUntilMs(): number {
    return this.#table.keepUntilMs;
  }

  /** The peer has the reply. */
  delivered(requestSequence: number): void {
    this.#inFlight.delete(requestSequence);
    this.#table.delivered(requestSequence);
  }

  /** A reply is on its way or waits for room. */
  get owesReplies(): boolean {
    return this.#inFlight.size + this.#owed.size > 0;
  }

  /** Sends what is owed, as far as there is room. */
  settle(nowMs: number): void {
    for (const sequence of this.#owed) {
      const stored = this.#table.repeated(nowMs, sequence);
      this.#owed.delete(sequence);
      if (stored.kind === "running") continue; // can't be
      if (!this.#sendReply(nowMs, sequence, stored.status, stored.body, NO_STAMP)) return;
    }
  }

  /** We leave: what still runs is answered as refused. */
  refuseRunning(nowMs: number): void {
    for (const sequence of this.#table.running) {
      this.#table.finish(nowMs, sequence, ReplyStatus.refused, EMPTY);
      this.#sendReply(nowMs, sequence, ReplyStatus.refused, EMPTY, NO_STAMP);
    }
  }

  /** No reply is on its way any more. */
  abandon(): void {
    this.#inFlight.clear();
    this.#owed.clear();
  }

  #sendReply(
    nowMs: number,
    requestSequence: number,
    status: ReplyStatusCode,
    body: Uint8Array,
    { sentAtMs, messageSequence }: Stamp,
  ): boolean {
    const record = encodeRecord({
      kind: RecordKind.reply,
      incarnation: this.#context.incarnation,
      messageSequence,
      sentAtMs,
      requestSequence,
      status,
      body,
    });
    const purpose: Purpose = { kind: "reply", requestSequence };
    const reply = new Outgoing({ lane: Lane.replies, record, purpose, createdAtMs: nowMs });
    const isSent = this.#send(nowMs, reply);
    if (isSent) this.#inFlight.add(requestSequence);
    else if (this.#owed.size < this.#context.limits.repliesPerPeer) this.#owed.add(requestSequence);
    return isSent;
  }
}
