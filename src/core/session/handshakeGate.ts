import type { HandshakeInit } from "../../wire/session.js";
import type { CoreContext } from "../context.js";
import type { Address } from "../io.js";
import type { Limits } from "../limits.js";
import { KeyedTokenBuckets, TokenBucket } from "../tokenBucket.js";
import { Cookies } from "./cookies.js";

/** Source addresses whose handshakes are counted. */
const MAX_SOURCES = 4096;
const WINDOW_MS = 1_000;

/**
 * Decides which first messages are worth a key agreement, at the price of a hash at most.
 *
 * Without a cookie the source address is only claimed. Such a message is answered while few come;
 * otherwise its sender is asked for a cookie, and nothing of it is kept. So a flood with forged
 * addresses takes neither memory nor the allowance of those whose addresses it forges: what shows
 * a cookie has an allowance of its own.
 */
export class HandshakeGate {
  readonly #context: CoreContext;
  readonly #cookies: Cookies;
  readonly #arrivals: ArrivalMeter;
  readonly #claimed: KeyedTokenBuckets;
  readonly #proven: KeyedTokenBuckets;
  /** A host may have many addresses: what all together may ask of the processor. */
  readonly #inAll: TokenBucket;

  constructor(context: CoreContext) {
    this.#context = context;
    this.#cookies = new Cookies(context.random);
    this.#arrivals = new ArrivalMeter(context.limits.handshakesPerSecondBeforeCookies);
    this.#claimed = perSource(context.limits);
    this.#proven = perSource(context.limits);
    const { handshakesPerSecond } = context.limits;
    this.#inAll = new TokenBucket(handshakesPerSecond, handshakesPerSecond);
  }

  /** What to do with a first message that was not here before. */
  judge(nowMs: number, init: HandshakeInit, from: Address): "answer" | "askForCookie" | "drop" {
    const isLoaded = this.#arrivals.exceeds(nowMs);
    const { counters } = this.#context;
    if (this.#cookies.isValid(nowMs, init.cookie, from, init.senderIndex)) {
      counters.add("cookiesAccepted");
      if (this.#proven.take(nowMs, from.address) && this.#inAll.take(nowMs)) return "answer";
      counters.add("handshakesThrottled");
      return "drop";
    }
    if (!isLoaded && this.#claimed.take(nowMs, from.address)) return "answer";
    counters.add("cookiesSent");
    return "askForCookie";
  }

  /** What the sender of a first message must show. */
  cookieFor(nowMs: number, init: HandshakeInit, from: Address): Uint8Array {
    return this.#cookies.make(nowMs, from, init.senderIndex);
  }
}

function perSource(limits: Limits): KeyedTokenBuckets {
  return new KeyedTokenBuckets({
    ratePerSecond: limits.handshakesPerSecondPerSource,
    burst: limits.handshakeBurstPerSource,
    maxKeys: MAX_SOURCES,
  });
}

/** Tells when more than `limit` things arrived in one second. */
class ArrivalMeter {
  /** The latest `limit` arrivals, in a ring. */
  readonly #latestMs: number[];
  #next = 0;

  constructor(limit: number) {
    this.#latestMs = Array.from({ length: limit }, () => Number.NEGATIVE_INFINITY);
  }

  /** Counts one; true if it is too many. */
  exceeds(nowMs: number): boolean {
    const atMs = this.#latestMs[this.#next];
    if (atMs === undefined) return true; // none is allowed
    this.#latestMs[this.#next] = nowMs;
    this.#next = (this.#next + 1) % this.#latestMs.length;
    return nowMs - atMs < WINDOW_MS;
  }
}
