import { MAX_DATAGRAM_BYTES } from "../../wire/constants.js";
import type { Alarm, TimerQueue } from "../timers.js";
import { TokenBucket } from "../tokenBucket.js";

/** Something that has datagrams to send, at the rate of the pacer. */
export interface PacedSource {
  /** More to send. */
  readonly pending: boolean;
  /** Sends one datagram, and its copies; called only while `pending`. Returns all their bytes. */
  transmitNext(nowMs: number): number;
}

/**
 * Divides the one token bucket of this sender among its groups, in turn: a long paste into one
 * group does not silence the others.
 */
export class Pacer {
  readonly #bucket: TokenBucket;
  readonly #timers: TimerQueue<Alarm>;
  /** In the order of their turn; bounded by the number of groups. */
  readonly #sources = new Set<PacedSource>();
  readonly #refilled: Alarm = (nowMs) => this.run(nowMs);
  #owedBytes = 0;

  constructor(
    timers: TimerQueue<Alarm>,
    rate: { readonly bitsPerSecond: number; readonly burstBytes: number },
  ) {
    this.#timers = timers;
    // A burst below one datagram would let nothing through, ever.
    const burstBytes = Math.max(rate.burstBytes, MAX_DATAGRAM_BYTES);
    this.#bucket = new TokenBucket(rate.bitsPerSecond / 8, burstBytes);
  }

  /** Gives `source` its turns, from the next `run` on. */
  add(source: PacedSource): void {
    if (source.pending) this.#sources.add(source);
  }

  remove(source: PacedSource): void {
    this.#sources.delete(source);
  }

  /** So much was sent that could not wait: what is sent next waits for it. */
  owe(bytes: number): void {
    this.#owedBytes += bytes;
  }

  /** Sends what the bucket allows and sets an alarm for the rest. */
  run(nowMs: number): void {
    if (this.#owedBytes > 0) this.#bucket.spend(nowMs, this.#owedBytes);
    this.#owedBytes = 0;
    for (const source of this.#sources) {
      const waitMs = this.#bucket.waitMs(nowMs, MAX_DATAGRAM_BYTES);
      if (waitMs > 0) {
        // Whole milliseconds: a rounding error then never asks for a wake-up at this very moment.
        this.#timers.set(this.#refilled, nowMs + Math.ceil(waitMs));
        return;
      }
      this.#bucket.spend(nowMs, source.transmitNext(nowMs));
      // A Set is walked in insertion order, what is added meanwhile included.
      this.#sources.delete(source);
      if (source.pending) this.#sources.add(source);
    }
    this.#timers.clear(this.#refilled);
  }
}
