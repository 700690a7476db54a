import { MAX_DATAGRAM_BYTES } from "../../wire/constants.js";
import type { Limits } from "../limits.js";
import type { Alarm, TimerQueue } from "../timers.js";
import { TokenBucket } from "../tokenBucket.js";
import type { Losses } from "./losses.js";
import { SendRate } from "./sendRate.js";

/**
 * Sent at once, and in each millisecond. Receivers, who hear their own as well, read 32 in one turn of
 * libuv's loop: with more they would fall behind, and hear last of all what tells us to slow down.
 */
const SPURT_BYTES = 16 * MAX_DATAGRAM_BYTES;

/** Something that has datagrams to send, at the rate of the pacer. */
export interface PacedSource {
  /** More to send. */
  readonly pending: boolean;
  /** Somebody is here who would tell what he lost. */
  readonly isHeard: boolean;
  /** What may be sent now is not repairs alone: of those that are lost nobody tells. */
  hasNewFor(nowMs: number): boolean;
  /** When the next one may be sent, whatever the rate; called only while `pending`. */
  readyAtMs(nowMs: number): number;
  /**
   * Sends one datagram, and its copies; called only while `pending` and ready. Returns all their
   * bytes.
   */
  transmitNext(nowMs: number): number;
}

/**
 * Divides the one token bucket of this sender among its groups, in turn: a long paste into one
 * group does not silence the others. See `SendRate` for how fast it is filled.
 */
export class Pacer {
  readonly #rate: SendRate;
  readonly #bucket: TokenBucket;
  readonly #spurt = new TokenBucket(1000 * SPURT_BYTES, SPURT_BYTES);
  readonly #timers: TimerQueue<Alarm>;
  /** In the order of their turn; bounded by the number of groups. */
  readonly #sources = new Set<PacedSource>();
  readonly #refilled: Alarm = (nowMs) => this.run(nowMs);
  #owedBytes = 0;

  constructor(
    timers: TimerQueue<Alarm>,
    limits: Pick<Limits, "groupBitsPerSecond" | "groupMaxBitsPerSecond" | "groupBurstBytes">,
  ) {
    this.#timers = timers;
    this.#rate = new SendRate({
      lowestBitsPerSecond: limits.groupBitsPerSecond,
      highestBitsPerSecond: limits.groupMaxBitsPerSecond,
    });
    // A burst below one datagram would let nothing through, ever.
    const burstBytes = Math.max(limits.groupBurstBytes, MAX_DATAGRAM_BYTES);
    this.#bucket = new TokenBucket(this.#rate.bitsPerSecond / 8, burstBytes);
  }

  /** Gives `source` its turns, from the next `run` on. */
  add(source: PacedSource): void {
    if (source.pending) this.#sources.add(source);
  }

  remove(source: PacedSource): void {
    this.#sources.delete(source);
  }

  /** What is lost of a group, as long as it is watched, slows us down. */
  watch(losses: Losses): void {
    this.#rate.watch(losses);
  }

  unwatch(losses: Losses): void {
    this.#rate.unwatch(losses);
  }

  /** We may be on another network. */
  resetRate(): void {
    this.#rate.reset();
  }

  /** So much was sent that could not wait: what is sent next waits for it. */
  owe(bytes: number): void {
    this.#owedBytes += bytes;
  }

  /** Sends what the bucket allows and sets an alarm for the rest. */
  run(nowMs: number): void {
    if (this.#rate.update(nowMs)) this.#bucket.changeRate(nowMs, this.#rate.bitsPerSecond / 8);
    if (this.#owedBytes > 0) this.#bucket.spend(nowMs, this.#owedBytes);
    this.#owedBytes = 0;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const source of this.#sources) {
      const readyAtMs = source.readyAtMs(nowMs);
      if (readyAtMs > nowMs) {
        nextMs = Math.min(nextMs, readyAtMs);
        continue;
      }
      const rateMs = this.#bucket.waitMs(nowMs, MAX_DATAGRAM_BYTES);
      const waitMs = Math.max(rateMs, this.#spurt.waitMs(nowMs, MAX_DATAGRAM_BYTES));
      if (waitMs > 0) {
        if (rateMs > 0) this.#heldBack(nowMs, source);
        // Whole milliseconds: a rounding error then never asks for a wake-up at this very moment.
        nextMs = Math.min(nextMs, nowMs + Math.ceil(waitMs));
        break;
      }
      const sentBytes = source.transmitNext(nowMs);
      this.#bucket.spend(nowMs, sentBytes);
      this.#spurt.spend(nowMs, sentBytes);
      // A Set is walked in insertion order, what is added meanwhile included.
      this.#sources.delete(source);
      if (source.pending) this.#sources.add(source);
    }
    this.#timers.set(this.#refilled, nextMs);
  }

  #heldBack(nowMs: number, source: PacedSource): void {
    if (!source.hasNewFor(nowMs)) this.#rate.heldBackRepairs();
    else if (source.isHeard) this.#rate.heldBack(nowMs);
  }
}
