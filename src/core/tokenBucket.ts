import { BoundedMap } from "./boundedMap.js";

/** Lets `burst` through at once and `ratePerSecond` on average; starts full. */
export class TokenBucket {
  #ratePerSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filledAtMs = Number.NEGATIVE_INFINITY;

  constructor(ratePerSecond: number, burst: number) {
    this.#ratePerSecond = ratePerSecond;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Takes `count` tokens if they are there; false, and nothing taken, if not. */
  take(nowMs: number, count = 1): boolean {
    this.#refill(nowMs);
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }

  /** Takes `count` tokens, those that are still to come if need be. */
  spend(nowMs: number, count: number): void {
    this.#refill(nowMs);
    this.#tokens -= count;
  }

  /** From now on. */
  changeRate(nowMs: number, ratePerSecond: number): void {
    this.#refill(nowMs);
    this.#ratePerSecond = ratePerSecond;
  }

  /** Returns a token that was taken. */
  giveBack(): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + 1);
  }

  /** How long until `count` tokens are there; 0 if they are. */
  waitMs(nowMs: number, count: number): number {
    this.#refill(nowMs);
    return Math.max(0, ((count - this.#tokens) * 1000) / this.#ratePerSecond);
  }

  #refill(nowMs: number): void {
    const grown = this.#tokens + ((nowMs - this.#filledAtMs) * this.#ratePerSecond) / 1000;
    this.#tokens = Math.min(this.#burst, grown);
    this.#filledAtMs = nowMs;
  }
}

/** A token bucket per key. At most `maxKeys` are kept: the longest unused is dropped, so full again. */
export class KeyedTokenBuckets {
  readonly #ratePerSecond: number;
  readonly #burst: number;
  /** In the order of their last use. */
  readonly #buckets: BoundedMap<string, TokenBucket>;

  constructor(options: {
    readonly ratePerSecond: number;
    readonly burst: number;
    readonly maxKeys: number;
  }) {
    this.#ratePerSecond = options.ratePerSecond;
    this.#burst = options.burst;
    this.#buckets = new BoundedMap(options.maxKeys);
  }

  /** Takes a token from the bucket of `key`; false if it is empty. */
  take(nowMs: number, key: string): boolean {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#ratePerSecond, this.#burst);
    this.#buckets.set(key, bucket);
    return bucket.take(nowMs);
  }

  /** Returns a token to the bucket of `key`. */
  giveBack(key: string): void {
    this.#buckets.get(key)?.giveBack();
  }

  get size(): number {
    return this.#buckets.size;
  }
}
