import type { Core } from "../core/core.js";
import type { CoreEvent, SendTarget, Token } from "../core/io.js";
import { NumberMap } from "../core/numberMap.js";
import { EarliestFirst } from "../core/timers.js";
import { type ErrorCode, toUdpchatError, UdpchatError, UNREACHABLE_REMEDY } from "../errors.js";
import type { MessageStore } from "../store/messageStore.js";
import { StoreFailure } from "../store/storeFailure.js";
import { ReplyStatus, type ReplyStatusCode } from "../wire/record.js";
import type { Clock } from "./clock.js";
import type { Driver } from "./driver.js";
import { messageBody, messageText } from "./messageText.js";
import { MovableTimer } from "./movableTimer.js";
import { peerRef, type TrustReader } from "./peerShapes.js";
import {
  type Delivered,
  type PeerRef,
  type Reply,
  UndeliveredError,
  type WaitOptions,
} from "./types.js";
import {
  abortedError,
  checkedDurationMs,
  closedError,
  DEFAULT_TIMEOUT_MS,
  durationText,
} from "./waiting.js";

/**
 * A message that the application wants to be sent. An object per message: what it does is told by
 * methods, so that none of them needs closures.
 */
export interface Outbound {
  /** As the caller named it, for error messages. */
  readonly label: string;
  readonly text: string;
  readonly options: WaitOptions;
  find(): SendTarget | Promise<SendTarget>;
  /**
   * Keeps a text for the peer that was found, before the core has it; what it throws is the end. It
   * does nothing but read and write the store, and may be called twice: see `ResilientStore`.
   */
  keep?(target: SendTarget): KeptText;
  /** What is kept must survive a power cut. */
  readonly isPromise?: boolean;
  /** It was rejected. */
  failed?(): void;
  /** What the core is told instead of sending the text. Ends as a text does. */
  handOver?(core: Core, nowMs: number, target: SendTarget, token: Token): void;
}

/** What is kept of a text: the same at every attempt. */
export interface KeptText {
  readonly id: string;
  /** The author's clock, milliseconds since 1970. */
  readonly sentAtMs: number;
}

/** Where the result of a call goes. */
type Ends =
  | { readonly kind: "text"; readonly resolve: (delivery: Delivered) => void }
  | { readonly kind: "request"; readonly resolve: (reply: Reply) => void };

/** A call that waits for its end. */
class Pending {
  readonly token: Token;
  readonly outbound: Outbound;
  readonly ends: Ends;
  readonly reject: (error: UdpchatError) => void;
  /** When it is given up. */
  readonly atMs: number;
  ended = false;
  /** The abort listener. */
  stopListening: (() => void) | undefined;
  /** Until the core has it. */
  body: Uint8Array | undefined;
  /** Undefined until the core has it. */
  messageId: string | undefined;
  /** As it is in the store. */
  kept: KeptText | undefined;
  /** Undefined until it was found. */
  target: SendTarget | undefined;
  delivered = false;

  constructor(
    token: Token,
    outbound: Outbound,
    ends: Ends,
    reject: Pending["reject"],
    atMs: number,
  ) {
    this.token = token;
    this.outbound = outbound;
    this.ends = ends;
    this.reject = reject;
    this.atMs = atMs;
  }
}

/** What outgoing messages build on. */
export interface OutgoingParts {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly trust: TrustReader;
  readonly store: Pick<MessageStore, "batch">;
}

type EventOf<Kind extends CoreEvent["kind"]> = Extract<CoreEvent, { readonly kind: Kind }>;

/**
 * Messages and requests on their way, until each ends in one result:
 *
 * ```text
 *   finding the peer -> end of turn: kept, with the core -> text:    delivered          | failed,
 *                                                           request: delivered -> reply | time out,
 *                                                                                         aborted, closed
 * ```
 */
export class Outgoing {
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #trust: TrustReader;
  readonly #store: Pick<MessageStore, "batch">;
  /** Bounded by the calls of the application that wait. */
  readonly #pending = new NumberMap<Pending>();
  /** One timer for all of them, as nearly all end long before. */
  readonly #deadlines = new EarliestFirst<Pending>();
  readonly #timer: MovableTimer;
  /** Found in this turn, and still to be handed over. */
  #found: Pending[] = [];
  #lastToken = 0;

  constructor({ driver, clock, trust, store }: OutgoingParts) {
    this.#driver = driver;
    this.#clock = clock;
    this.#trust = trust;
    this.#store = store;
    this.#timer = new MovableTimer(clock, () => this.#giveUpLate());
  }

  sendText(outbound: Outbound): Promise<Delivered> {
    return new Promise((resolve, reject) => {
      this.#start(outbound, { kind: "text", resolve }, reject);
    });
  }

  sendRequest(outbound: Outbound): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#start(outbound, { kind: "request", resolve }, reject);
    });
  }

  /** Throws (into the promise of the caller) what is wrong with the call itself. */
  #start(outbound: Outbound, ends: Ends, reject: Pending["reject"]): void {
    const body = messageBody(outbound.text);
    const timeoutMs = checkedDurationMs(outbound.options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const { signal } = outbound.options;
    if (signal?.aborted === true) throw abortedError(signal);
    this.#lastToken += 1;
    const nowMs = this.#clock.nowMs();
    const pending = new Pending(this.#lastToken, outbound, ends, reject, nowMs + timeoutMs);
    pending.body = body;
    if (signal !== undefined) this.#listen(pending, signal);
    this.#pending.set(pending.token, pending);
    this.#deadlines.push(pending);
    this.#deadlines.sweep(this.#pending.size, isOpen);
    this.#setTimer(nowMs);
    try {
      const found = outbound.find();
      if (found instanceof Promise) this.#awaitFound(found, pending);
      else this.#wasFound(pending, found);
    } catch (error) {
      this.#reject(pending, toUdpchatError(error));
    }
  }

  #listen(pending: Pending, signal: AbortSignal): void {
    const onAbort = (): void => this.#giveUp(pending, abortedError(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    pending.stopListening = () => signal.removeEventListener("abort", onAbort);
  }

  #giveUpLate(): void {
    const nowMs = this.#clock.nowMs();
    for (let head = this.#nextOpen(); head !== undefined && head.atMs <= nowMs; ) {
      this.#giveUp(head, this.#timeoutError(head));
      head = this.#nextOpen();
    }
    this.#setTimer(nowMs);
  }

  #setTimer(nowMs: number): void {
    this.#timer.set(nowMs, this.#nextOpen()?.atMs ?? Number.POSITIVE_INFINITY);
  }

  /** The one that would be given up next. */
  #nextOpen(): Pending | undefined {
    while (this.#deadlines.head?.ended === true) this.#deadlines.popHead();
    return this.#deadlines.head;
  }

  #giveUp(pending: Pending, error: UdpchatError): void {
    if (pending.messageId !== undefined) {
      this.#driver.command((core, nowMs) => core.cancel(nowMs, pending.token));
    }
    this.#reject(pending, error);
  }

  #awaitFound(found: Promise<SendTarget>, pending: Pending): void {
    found
      .then((target) => this.#wasFound(pending, target))
      .catch((error: unknown) => this.#reject(pending, toUdpchatError(error)));
  }

  #wasFound(pending: Pending, target: SendTarget): void {
    if (pending.ended) return; // given up meanwhile
    pending.target = target;
    this.#found.push(pending);
    this.#driver.wantTurn();
  }

  /** The turn ends: what was found in it is kept, all of it in one batch, and then the core has it. */
  handOver(core: Core, nowMs: number): void {
    if (this.#found.length === 0) return;
    const found = this.#found.filter(isOpen);
    this.#found = [];
    this.#keep(found);
    for (const pending of found) {
      if (pending.ended) continue; // could not be kept
      try {
        pending.messageId = this.#give(core, nowMs, pending);
      } catch (error) {
        this.#reject(pending, toUdpchatError(error));
      }
    }
  }

  #keep(found: readonly Pending[]): void {
    const kept = found.filter(({ outbound }) => outbound.keep !== undefined);
    if (kept.length === 0) return;
    /** By their place in `kept`. */
    let refused: (UdpchatError | undefined)[] = [];
    try {
      const isPromise = kept.some(({ outbound }) => outbound.isPromise === true);
      this.#store.batch(isPromise ? "promise" : "soon", () => {
        refused = kept.map(keepOne);
      });
    } catch (error) {
      refused = kept.map(() => toUdpchatError(error));
    }
    for (const [index, pending] of kept.entries()) {
      const error = refused[index];
      if (error !== undefined) this.#reject(pending, error);
    }
  }

  /** Returns the message id. */
  #give(core: Core, nowMs: number, pending: Pending): string {
    const { token, outbound, ends, target, kept, body } = pending;
    pending.body = undefined;
    if (target === undefined || body === undefined) throw new Error("it was not found");
    if (outbound.handOver !== undefined) {
      outbound.handOver(core, nowMs, target, token);
      return "";
    }
    return core.send(nowMs, {
      token,
      target,
      requiresVerified: outbound.options.requireVerified ?? false,
      kind: ends.kind,
      body,
      sentAtMs: kept?.sentAtMs ?? this.#clock.wallMs(),
      messageId: kept?.id,
    });
  }

  /** The id under which the text of a token is kept. */
  keptAs(token: Token): string | undefined {
    return this.#pending.get(token)?.kept?.id;
  }

  /** The ids under which texts on their way are kept. */
  keptIds(): Set<string> {
    return new Set(this.#pending.values().flatMap(({ kept }) => kept?.id ?? []));
  }

  delivered({ token, to, rttMs, attempts }: EventOf<"delivered">): void {
    const pending = this.#pending.get(token);
    if (pending?.messageId === undefined) return;
    pending.delivered = true;
    const { ends } = pending;
    if (ends.kind !== "text") return;
    this.#forget(pending);
    ends.resolve({
      id: pending.messageId,
      status: "delivered",
      to: peerRef(to, this.#trust),
      rttMs,
      attempts,
    });
  }

  replied({ token, from, status, body, rttMs }: EventOf<"reply">): void {
    const pending = this.#pending.get(token);
    if (pending?.messageId === undefined) return;
    const { ends } = pending;
    if (ends.kind !== "request") return;
    const text = messageText(body);
    if (status !== ReplyStatus.ok) {
      this.#reject(pending, replyError(pending.outbound.label, status, text));
      return;
    }
    this.#forget(pending);
    ends.resolve({ to: pending.messageId, from: peerRef(from, this.#trust), text, rttMs });
  }

  failed({ token, code, message }: EventOf<"failed">): void {
    const pending = this.#pending.get(token);
    if (pending === undefined) return;
    const remedy = REMEDIES[code];
    const error =
      code === "TIMEOUT"
        ? this.#unacknowledged(pending, message)
        : new UdpchatError(code, message, remedy === undefined ? {} : { remedy });
    this.#reject(pending, error);
  }

  #timeoutError(pending: Pending): UdpchatError {
    const { label, options } = pending.outbound;
    const within = durationText(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    if (pending.target === undefined) {
      return new UdpchatError("TIMEOUT", `${label} was not found within ${within}`, {
        remedy: "check the name, or wait longer with --timeout",
      });
    }
    if (!pending.delivered) {
      const message = `no acknowledgement from ${label} within ${within}`;
      return this.#unacknowledged(pending, message);
    }
    return new UdpchatError("TIMEOUT", `delivered, but no reply within ${within}`, {
      remedy: `wait longer, or check what answers requests at ${label}`,
    });
  }

  #unacknowledged({ ends, messageId, target }: Pending, message: string): UdpchatError {
    const options = { remedy: UNREACHABLE_REMEDY };
    if (ends.kind !== "text" || messageId === undefined || target === undefined) {
      return new UdpchatError("TIMEOUT", message, options);
    }
    return new UndeliveredError(
      {
        id: messageId,
        status: "undelivered",
        to: this.#partyAt(target),
        rttMs: null,
        attempts: null,
      },
      message,
      options,
    );
  }

  /** As far as the roster knows it: a device may have been forgotten meanwhile. */
  #partyAt(target: SendTarget): PeerRef {
    if (target.kind === "address") return { id: null, name: "", ...target.to, trust: null };
    const { id } = target;
    const known = this.#driver.inspect((core) => core.peer(id));
    return peerRef(known ?? { id, name: "", address: "", port: 0 }, this.#trust);
  }

  /** Rejects everything that waits. */
  close(): void {
    for (const pending of this.#pending.values()) this.#reject(pending, closedError());
    this.#timer.stop();
  }

  #reject(pending: Pending, error: UdpchatError): void {
    this.#forget(pending);
    pending.reject(error);
    pending.outbound.failed?.();
  }

  #forget(pending: Pending): void {
    pending.ended = true;
    this.#pending.delete(pending.token);
    pending.stopListening?.();
  }
}

function isOpen(pending: Pending): boolean {
  return !pending.ended;
}

/** Returns why it is not kept. A disk that fails fails for all: the store sees to that. */
function keepOne(pending: Pending): UdpchatError | undefined {
  const { outbound, target } = pending;
  if (target === undefined) return undefined;
  try {
    pending.kept = outbound.keep?.(target);
    return undefined;
  } catch (error) {
    if (error instanceof StoreFailure) throw error;
    return toUdpchatError(error);
  }
}

/** What the sender can do about a failure that the core reports. */
const REMEDIES: Partial<Record<ErrorCode, string>> = {
  NO_SUCH_PEER: "see who is there with discover",
  LIMIT_REACHED: "wait until earlier messages are delivered, then send it again",
  PEER_RESTARTED: "it may or may not have been processed there: ask again if that does no harm",
  REFUSED: "ask the person there",
  BLOCKED: "unblock it first, if that is wanted",
  NOT_VERIFIED: "compare codes first with verify",
};

/** Why a request has no reply, by its status. */
function replyError(label: string, status: ReplyStatusCode, text: string): UdpchatError {
  switch (status) {
    case ReplyStatus.noHandler:
      return new UdpchatError("NO_HANDLER", `nothing at ${label} answers requests`, {
        remedy: "start `udpchat serve` or a handler there",
      });
    case ReplyStatus.expired:
      return new UdpchatError("EXPIRED", `${label} no longer knows the outcome of this request`, {
        remedy: "it was not executed again: ask anew if that does no harm",
      });
    case ReplyStatus.refused:
      return new UdpchatError("REFUSED", `${label} refused the request`, {
        remedy: "ask the person there",
      });
    case ReplyStatus.busy:
      return new UdpchatError("REFUSED", `${label} has too many requests running`, {
        remedy: "ask again later",
      });
    default:
      return new UdpchatError("HANDLER_FAILED", `the request failed at ${label}: ${text}`, {
        remedy: "see what the handler there needs",
      });
  }
}
