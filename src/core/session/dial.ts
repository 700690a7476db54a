import type { InitiatorHandshake } from "../../crypto/handshake.js";
import { encodeHandshakeInit } from "../../wire/session.js";
import type { Address } from "../io.js";
import type { Link } from "./link.js";
import type { Outgoing } from "./outgoing.js";

/** First repeats of a handshake: quick, because a person waits. */
const FIRST_RETRY_MS = 50;
const EAGER_RETRY_CAP_MS = 250;
/** After that: the host is down or not there; a small datagram now and then finds it. */
const EAGER_MS = 5_000;
const PATIENT_RETRY_CAP_MS = 3_000;
/** Without anybody waiting for it (only replies and the like), a dial ends after this. */
const UNWANTED_AFTER_MS = 30_000;

/** An attempt to reach whoever is at an address: our side of a handshake in the making. */
export class Dial {
  readonly to: Address;
  /** What the responder will call us. */
  readonly localIndex: number;
  readonly handshake: InitiatorHandshake;
  /** The first handshake message, a whole datagram: repeated as it is. */
  readonly init: Uint8Array;
  /** Messages for whoever answers. Bounded by `queuedMessagesPerPeer`. */
  readonly waiting = new Set<Outgoing>();
  /** Links that lost their session and were last at this address. */
  readonly links = new Set<Link>();
  readonly #startedAtMs: number;
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
    this.init = encodeHandshakeInit({
      senderIndex: options.localIndex,
      suite: options.suite,
      cookie: new Uint8Array(0),
      message: options.handshake.message1,
    });
    this.#startedAtMs = nowMs;
    this.#retryAtMs = nowMs;
  }

  get retryAtMs(): number {
    return this.#retryAtMs;
  }

  /** Call when a repeat went out. */
  repeated(nowMs: number): void {
    this.#retryAtMs = nowMs + this.#retryMs;
    const eager = nowMs - this.#startedAtMs < EAGER_MS;
    this.#retryMs = Math.min(2 * this.#retryMs, eager ? EAGER_RETRY_CAP_MS : PATIENT_RETRY_CAP_MS);
  }

  isWanted(nowMs: number): boolean {
    if (this.waiting.size > 0) return true;
    const links = [...this.links];
    if (links.some((link) => link.session === undefined && link.hasCommands)) return true;
    if (nowMs - this.#startedAtMs >= UNWANTED_AFTER_MS) return false;
    return links.some((link) => link.wantsSession);
  }
}
