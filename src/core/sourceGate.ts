import { BoundedMap } from "./boundedMap.js";
import type { Limits } from "./limits.js";
import { KeyedTokenBuckets, TokenBucket } from "./tokenBucket.js";

/** Source addresses whose spending is remembered. */
const MAX_SOURCES = 4096;
/** What strangers may spend together, as a multiple of what is there beyond the allowances. */
const STRANGERS_SHARE = 3;

/**
 * How much work strangers may make us do: checking signatures and agreeing on keys costs 40 to 200
 * microseconds each. Every source address has an allowance of its own; once that is spent, one for
 * all addresses together is used. What proves to be genuine is given back: only forgers pay.
 *
 * So a flood from one address, or in somebody's name from a forged one, keeps nobody else out. As
 * addresses are forged easily, those from which nothing genuine came last share one more allowance:
 * a flood from all addresses takes a bounded share of the processor.
 */
export class SourceGate {
  readonly #perSource: KeyedTokenBuckets;
  /** Addresses whose last check was passed. A forgery ends that until the next genuine datagram. */
  readonly #known = new BoundedMap<string, true>(MAX_SOURCES);
  readonly #strangers: TokenBucket;
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
    const strangersPerSecond = STRANGERS_SHARE * unauthenticatedPerSecond;
    this.#strangers = new TokenBucket(strangersPerSecond, strangersPerSecond);
    this.#inAll = new TokenBucket(unauthenticatedPerSecond, unauthenticatedPerSecond);
  }

  /** False: drop the datagram unread. `address`: IPv4 literal of its source. */
  admits(nowMs: number, address: string): boolean {
    const isKnown = this.#known.has(address);
    this.#known.delete(address);
    if (!this.#perSource.take(nowMs, address)) return this.#inAll.take(nowMs);
    return isKnown || this.#strangers.take(nowMs);
  }

  /** What was admitted last from `address` was genuine: it costs its sender nothing. */
  proved(address: string): void {
    this.#perSource.giveBack(address);
    this.passed(address);
  }

  /** What was admitted last from `address` was genuine, and yet is to be rationed. */
  passed(address: string): void {
    this.#known.set(address, true);
  }
}
