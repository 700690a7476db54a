import {
  decodeRecord,
  messageId,
  RecordKind,
  ReplyStatus,
  type ReplyStatusCode,
} from "../../wire/record.js";
import type { CoreContext } from "../context.js";
import type { Address, PeerRef, Token } from "../io.js";
import type { Command } from "./outgoing.js";

/**
 * Messages to an address at which we found ourselves: handed on without a session, for one
 * handshake cannot have both its ends here.
 */
export class Loopback {
  readonly #context: CoreContext;
  /** Tells the owner that a token has met its end. */
  readonly #ended: (message: Command) => void;
  /** Requests that wait for their replies, by a sequence of ours. Bounded by `repliesPerPeer`. */
  readonly #running = new Map<number, { readonly message: Command; readonly self: PeerRef }>();
  #nextSequence = 1;

  constructor(context: CoreContext, ended: (message: Command) => void) {
    this.#context = context;
    this.#ended = ended;
  }

  /** Hands a message on; `path` is where we were found. */
  take(nowMs: number, message: Command, path: Address): void {
    const { purpose } = message;
    const record = decodeRecord(message.record);
    if (record.kind !== RecordKind.text && record.kind !== RecordKind.request) {
      this.#refuseNote(message, purpose.token);
      return;
    }
    const { outputs, counters, identity, incarnation, name, limits } = this.#context;
    const self: PeerRef = { id: identity.device, name, ...path };
    const rttMs = nowMs - message.createdAtMs;
    const content = {
      from: self,
      messageId: messageId(record.incarnation, record.messageSequence),
      sentAtMs: record.sentAtMs,
      body: record.body,
    };
    const laneSequence = this.#nextSequence;
    const isBusy =
      record.kind === RecordKind.request && this.#running.size >= limits.repliesPerPeer;
    if (record.kind === RecordKind.text) {
      counters.add("messagesReceived");
      outputs.event({ kind: "message", ...content });
    } else if (!isBusy) {
      this.#nextSequence += 1;
      this.#running.set(laneSequence, { message, self });
      const key = { id: self.id, incarnation, laneSequence };
      outputs.event({ kind: "request", key, ...content });
    }
    counters.add("messagesDelivered");
    outputs.event({ kind: "delivered", token: purpose.token, to: self, rttMs, attempts: 1 });
    if (record.kind === RecordKind.text) this.#ended(message);
    if (isBusy) this.#answer(nowMs, message, self, ReplyStatus.busy, new Uint8Array(0));
  }

  /** What a node tells others about keys, groups, receipts and ways it knows itself. */
  #refuseNote(message: Command, token: Token): void {
    this.#context.outputs.event({
      kind: "failed",
      token,
      code: "INVALID_TARGET",
      message: "that is this very node",
    });
    this.#ended(message);
  }

  /** Our answer to ourselves; ignored if that request is not running. */
  reply(nowMs: number, laneSequence: number, status: ReplyStatusCode, body: Uint8Array): void {
    const request = this.#running.get(laneSequence);
    if (request === undefined) return;
    this.#running.delete(laneSequence);
    this.#context.counters.add("requestsExecuted");
    this.#answer(nowMs, request.message, request.self, status, body);
  }

  /** Nobody waits for the reply any more. */
  cancel(message: Command): void {
    for (const [sequence, request] of this.#running) {
      if (request.message === message) this.#running.delete(sequence);
    }
  }

  #answer(
    nowMs: number,
    message: Command,
    from: PeerRef,
    status: ReplyStatusCode,
    body: Uint8Array,
  ): void {
    const { token } = message.purpose;
    const rttMs = nowMs - message.createdAtMs;
    this.#context.outputs.event({ kind: "reply", token, from, status, body, rttMs });
    this.#ended(message);
  }
}
