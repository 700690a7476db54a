import type { InitiatorHandshake } from "../../crypto/handshake.js";
import { encodeHandshakeInit } from "../../wire/session.js";
import type { Address } from "../io.js";
import type { Link } from "./link.js";
import { type Command, mayGoTo } from "./outgoing.js";

/** First repeats of a handshake: quick, because a person waits. */
const FIRST_RETRY_MS = 50;
const EAGER_RETRY_CAP_MS = 250;
/** After that: the host is down or not there; a small datagram now and then finds it. */
const EAGER_MS = 5_000;
const PATIENT_RETRY_CAP_MS = 3_000;
/** Without anybody waiting for it (only replies and the like), a dial ends after this. */
const UNWANTED_AFTER_MS = 30_000;
/** Whoever sees our first message can answer it first: so long is waited for who is meant. */
const FOREIGN_PATIENCE_MS = 1_500;

/** An attempt to reach whoever is at an address: our side of a handshake in the making. */
export class Dial {
  readonly to: Address;
  /** What the responder will call us. */
  readonly localIndex: number;
  readonly handshake: InitiatorHandshake;
  /** Messages for whoever answers. Bounded by `queuedMessagesPerPeer`. */
  readonly waiting = new Set<Command>();
  /** Links that lost their session and were last at this address. */
  readonly links = new Set<Link>();
  readonly startedAtMs: number;
  readonly #suite: number;
  #init: Uint8Array;
  #isAnswered = false;
  /** A cookie brought a repeat already, since the last one that was due. */
  #hurried = false;
  #retryMs = FIRST_RETRY_MS;
  #retryAtMs: number;

  constructor(
    nowMs: number,
    options: {
      readonly to: Address;
      readonly localIndex: number;
      readonly suite: number;
      readonly handshake: InitiatorHandshake;
    },
  ) {
    this.to = options.to;
    this.localIndex = options.localIndex;
    this.handshake = options.handshake;
    this.#suite = options.suite;
    this.#init = this.#encode(new Uint8Array(0));
    this.startedAtMs = nowMs;
    this.#retryAtMs = nowMs;
  }

  /** The first handshake message, a whole datagram: only the cookie in it ever changes. */
  get init(): Uint8Array {
    return this.#init;
  }

  /**
   * The other side has much to do and wants to see a cookie first: all further repeats carry it.
   * True if one should go out at once, which is so once between repeats that are due. However long
   * the cookie is, its datagram was more than a third of that: both are padded.
   */
  takeCookie(cookie: Uint8Array): boolean {
    this.#init = this.#encode(cookie);
    const isFirst = !this.#hurried;
    this.#hurried = true;
    this.#isAnswered = true;
    return isFirst;
  }

  /** Somebody there has seen our index: what we send arrives where it is wanted. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** Who is looked for here; undefined for whoever it is. */
  *wanted(): Iterable<string | undefined> {
    for (const { purpose } of this.waiting) {
      yield purpose.target.kind === "device" ? purpose.target.id : undefined;
    }
    for (const link of this.links) yield link.claims.device;
  }

  get retryAtMs(): number {
    return this.#retryAtMs;
  }

  /** Call when a repeat was due. */
  repeated(nowMs: number): void {
    this.#hurried = false;
    this.#retryAtMs = nowMs + this.#retryMs;
    const eager = nowMs - this.startedAtMs < EAGER_MS;
    this.#retryMs = Math.min(2 * this.#retryMs, eager ? EAGER_RETRY_CAP_MS : PATIENT_RETRY_CAP_MS);
  }

  isWanted(nowMs: number): boolean {
    if (this.waiting.size > 0) return true;
    const links = [...this.links];
    if (links.some((link) => link.session === undefined && link.hasCommands)) return true;
    if (nowMs - this.startedAtMs >= UNWANTED_AFTER_MS) return false;
    return links.some((link) => link.wantsSession);
  }

  /** Nothing here is for that device, and it is early to believe that it took the place of others. */
  ignores(nowMs: number, device: string): boolean {
    if (nowMs - this.startedAtMs >= FOREIGN_PATIENCE_MS) return false;
    const isAwaited =
      [...this.links].some((link) => link.claims.device === device) ||
      [...this.waiting].some((message) => mayGoTo(message, device));
    return !isAwaited && this.links.size + this.waiting.size > 0;
  }

  #encode(cookie: Uint8Array): Uint8Array {
    return encodeHandshakeInit({
      senderIndex: this.localIndex,
      suite: this.#suite,
      cookie,
      message: this.handshake.message1,
    });
  }
}
