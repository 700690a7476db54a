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
import type { PeerRef } from "../io.js";
import { Outgoing, type Purpose } from "./outgoing.js";
import { RequestTable } from "./requestTable.js";

/** When a reply was written, and its place among our messages: makes its id. */
interface Stamp {
  readonly sentAtMs: number;
  readonly messageSequence: number;
}

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
  /** Replies on their way, by request sequence. Bounded by `repliesPerPeer`. */
  readonly #inFlight = new Set<number>();

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
    if (this.#inFlight.has(laneSequence)) return;
    const repeat = this.#table.repeated(nowMs, laneSequence);
    if (repeat.kind === "running") return;
    this.#context.counters.add("requestsRepeated");
    this.#sendReply(nowMs, laneSequence, repeat.status, repeat.body, NO_STAMP);
  }

  /** Our answer; ignored if that request is not running. */
  reply(
    nowMs: number,
    reply: Stamp & {
      readonly laneSequence: number;
      readonly status: ReplyStatusCode;
      readonly body: Uint8Array;
    },
  ): void {
    const { laneSequence, status, body } = reply;
    if (!this.#table.finish(nowMs, laneSequence, status, body)) return;
    this.#context.counters.add("requestsExecuted");
    this.#sendReply(nowMs, laneSequence, status, body, reply);
  }

  /** The peer has the reply. */
  delivered(requestSequence: number): void {
    this.#inFlight.delete(requestSequence);
  }

  /** No reply is on its way any more. */
  abandon(): void {
    this.#inFlight.clear();
  }

  #sendReply(
    nowMs: number,
    requestSequence: number,
    status: ReplyStatusCode,
    body: Uint8Array,
    { sentAtMs, messageSequence }: Stamp,
  ): void {
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
    // If there is no room, the stored reply answers the request when it is asked again.
    if (this.#send(nowMs, reply)) this.#inFlight.add(requestSequence);
  }
}
