import type { Limits } from "./limits.js";
import { KeyedTokenBuckets, TokenBucket } from "./tokenBucket.js";

/** Source addresses whose spending is remembered. */
const MAX_SOURCES = 4096;

/**
 * How much work strangers may make us do: checking signatures and agreeing on keys costs 40 to 200
 * microseconds each. Every source address has an allowance of its own; once that is spent, one for
 * all addresses together is used. What proves to be genuine is given back: only forgers pay.
 *
 * So a flood from one address, or in somebody's name from a forged one, keeps nobody else out, and
 * a flood from all addresses takes a bounded share of the processor.
 */
export class SourceGate {
  readonly #perSource: KeyedTokenBuckets;
  readonly #inAll: TokenBucket;

  constructor(
    limits: Pick<Limits, "unauthenticatedPerSecondPerSource" | "unauthenticatedPerSecond">,
  ) {
    const ratePerSecond = limits.unauthenticatedPerSecondPerSource;
    this.#perSource = new KeyedTokenBuckets({
      ratePerSecond,
      burst: ratePerSecond,
      maxKeys: MAX_SOURCES,
    });
    const { unauthenticatedPerSecond } = limits;
    this.#inAll = new TokenBucket(unauthenticatedPerSecond, unauthenticatedPerSecond);
  }

  /** False: drop the datagram unread. `address`: IPv4 literal of its source. */
  admits(nowMs: number, address: string): boolean {
    return this.#perSource.take(nowMs, address) || this.#inAll.take(nowMs);
  }

  /** What was admitted last from `address` was genuine. */
  proved(address: string): void {
    this.#perSource.giveBack(address);
  }
}
