import { BoundedMap } from "../boundedMap.js";
import type { Limits } from "../limits.js";
import { KeyedTokenBuckets, TokenBucket } from "../tokenBucket.js";

/** Peers whose spending is remembered; the longest unused is forgotten. */
const MAX_PEERS = 256;
/** Questions of one peer that are looked at, per second; and of all. */
const QUESTIONS_PER_PEER = { ratePerSecond: 2, burst: 8, maxKeys: MAX_PEERS };
const QUESTIONS_PER_SECOND = 50;

/** What serving others may cost, in all groups of this node. */
export class SyncRates {
  readonly #limits: Limits;
  readonly #questionsPerPeer = new KeyedTokenBuckets(QUESTIONS_PER_PEER);
  readonly #refusalsPerPeer = new KeyedTokenBuckets(QUESTIONS_PER_PEER);
  readonly #questions = new TokenBucket(QUESTIONS_PER_SECOND, QUESTIONS_PER_SECOND);
  readonly #bytesPerPeer = new BoundedMap<string, TokenBucket>(MAX_PEERS);
  readonly #bytes: TokenBucket;

  constructor(limits: Limits) {
    this.#limits = limits;
    const { syncBytesPerSecond, syncBurstBytes } = limits;
    this.#bytes = new TokenBucket(syncBytesPerSecond, syncBurstBytes);
  }

  /** A question of `device` may be answered. */
  mayAsk(nowMs: number, device: string): boolean {
    return this.#questionsPerPeer.take(nowMs, device) && this.#questions.take(nowMs);
  }

  /** It may be told that it has to wait. */
  mayTurnAway(nowMs: number, device: string): boolean {
    return this.#refusalsPerPeer.take(nowMs, device);
  }

  /** So many bytes may go to `device` now. */
  hasRoom(nowMs: number, device: string, countBytes: number): boolean {
    const perPeer = this.#bucketOf(device);
    return perPeer.waitMs(nowMs, countBytes) <= 0 && this.#bytes.waitMs(nowMs, countBytes) <= 0;
  }

  /** They go; ask `hasRoom` first. */
  spend(nowMs: number, device: string, countBytes: number): void {
    this.#bucketOf(device).take(nowMs, countBytes);
    this.#bytes.take(nowMs, countBytes);
  }

  #bucketOf(device: string): TokenBucket {
    const { syncBytesPerSecondPerPeer, syncBurstBytesPerPeer } = this.#limits;
    const bucket =
      this.#bytesPerPeer.get(device) ??
      new TokenBucket(syncBytesPerSecondPerPeer, syncBurstBytesPerPeer);
    this.#bytesPerPeer.set(device, bucket);
    return bucket;
  }
}
