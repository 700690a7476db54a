import { uniformBetween } from "../../crypto/random.js";
import { withSignature } from "../../wire/header.js";
import { encodeAnswer, type Query } from "../../wire/presence.js";
import { clamp } from "../clamp.js";
import type { CoreContext } from "../context.js";
import type { Address, Timed } from "../io.js";
import { TimerQueue } from "../timers.js";
import { KeyedTokenBuckets, TokenBucket } from "../tokenBucket.js";
import { bloomHas } from "./bloom.js";
import type { OwnBeacon } from "./ownBeacon.js";

const MIN_DELAY_MS = 20;
/** Answers spread over at least this. */
const MIN_WINDOW_MS = 120;
/** 250 bytes of answer at 125 kB/s: a default receive buffer keeps up with it. */
const WINDOW_PER_PEER_MS = 250 / 125;
/** A query is forgotten by its asker after 5 s. */
const MAX_WINDOW_MS = 4_000;
/** Held longer than any asker waits: the machine slept. */
const USELESS_AFTER_MS = 5_000;

/** Per address: three users of one host may ask in the same second, three times each. */
const PER_SOURCE = { ratePerSecond: 3, burst: 9, maxKeys: 1024 };
/** As many as a newcomer is challenged: see `Challenging`. */
const ANSWERS_PER_SECOND = 250;
/** More than the rate lets in during the longest window: 250 + 4 x 250. */
const MAX_HELD_ANSWERS = 1280;

interface HeldAnswer {
  readonly to: Address;
  readonly receivedAtMs: number;
}

/**
 * Answers queries: late and spread, so that a thousand answers do not drown the asker, and
 * sparingly, so that a query with a forged source does not make us an amplifier. Who does not
 * announce itself shows on a direct query that it is running, and is not found by others.
 */
export class Answering implements Timed {
  readonly #context: CoreContext;
  readonly #ownBeacon: OwnBeacon;
  readonly #announces: boolean;
  /** By nonce; bounded by `MAX_HELD_ANSWERS`. */
  readonly #held = new Map<string, HeldAnswer>();
  /** By nonce, as `#held`. */
  readonly #due = new TimerQueue<string>();
  readonly #perSource = new KeyedTokenBuckets(PER_SOURCE);
  readonly #inAll = new TokenBucket(ANSWERS_PER_SECOND, ANSWERS_PER_SECOND);

  constructor(context: CoreContext, ownBeacon: OwnBeacon, announces: boolean) {
    this.#context = context;
    this.#ownBeacon = ownBeacon;
    this.#announces = announces;
  }

  /** Answers `query` to `to`, now or later, or not. `peersLive`: how many we know ourselves. */
  receive(nowMs: number, query: Query, to: Address, peersLive: number): void {
    if (!this.#announces && !query.direct) return;
    if (bloomHas(query.known, query.nonce, this.#context.identity.device)) return;
    // A repetition, or the same query through another interface.
    if (this.#held.has(query.nonce)) return;
    if (!this.#admits(nowMs, to)) {
      this.#context.counters.add("answersSuppressed");
      return;
    }
    const answer = { to, receivedAtMs: nowMs };
    if (query.direct) {
      this.#transmit(nowMs, query.nonce, answer);
      return;
    }
    this.#held.set(query.nonce, answer);
    const peers = Math.max(peersLive, query.peersKnown);
    const windowMs = clamp(peers * WINDOW_PER_PEER_MS, MIN_WINDOW_MS, MAX_WINDOW_MS);
    const delayMs = uniformBetween(this.#context.random, MIN_DELAY_MS, windowMs);
    this.#due.set(query.nonce, nowMs + delayMs);
  }

  #admits(nowMs: number, to: Address): boolean {
    if (this.#held.size >= MAX_HELD_ANSWERS) return false;
    // The port is the asker's own word: it must not open another bucket.
    return this.#perSource.take(nowMs, to.address) && this.#inAll.take(nowMs);
  }

  nextWakeMs(): number {
    return this.#due.nextMs();
  }

  wake(nowMs: number): void {
    for (;;) {
      const nonce = this.#due.popDue(nowMs);
      if (nonce === undefined) return;
      const answer = this.#held.get(nonce);
      this.#held.delete(nonce);
      if (answer === undefined || nowMs - answer.receivedAtMs > USELESS_AFTER_MS) continue;
      this.#transmit(nowMs, nonce, answer);
    }
  }

  #transmit(nowMs: number, nonce: string, { to, receivedAtMs }: HeldAnswer): void {
    const heldUs = Math.floor((nowMs - receivedAtMs) * 1000);
    const beacon = this.#ownBeacon.current();
    const unsigned = encodeAnswer({ nonce, heldUs, announces: this.#announces, beacon });
    const signature = this.#context.identity.sign(unsigned);
    this.#context.outputs.unicast(withSignature(unsigned, signature), to);
    this.#context.counters.add("answersSent");
  }
}
