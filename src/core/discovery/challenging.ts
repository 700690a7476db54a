import { uniformBetween } from "../../crypto/random.js";
import { clamp } from "../clamp.js";
import type { CoreContext } from "../context.js";
import { type Address, addressKey, type Timed } from "../io.js";
import { TimerQueue } from "../timers.js";
import type { Querying } from "./querying.js";
import { Shares } from "./shares.js";

/** Everybody challenges a newcomer: spread so that it gets 250 a second, which it answers. */
const SPREAD_PER_PEER_MS = 4;
/**
 * Between two challenges of ours, per live peer: when all challenge all, the LAN carries about a
 * thousand a second, however many nodes it has.
 */
const SPACING_PER_PEER_MS = 1;
const MIN_SPACING_MS = 10;
const MAX_SPACING_MS = 1_000;
/** So many challenges may go out together. */
const BURST = 8;
/**
 * After each try but the last; at 30 % loss each way 87 of 100 have answered one of them, and the
 * next beacon brings as many again. Three queries are at most three times as long as the shortest
 * beacon (133 bytes): its source may be forged.
 */
const RETRIES_AFTER_MS = [250, 750];

/** So many devices may be told apart that claim to be at one place. */
const MAX_CLAIMANTS = 4;

interface Challenge {
  readonly to: Address;
  /** Devices that are said to be there; undefined for whoever it is. */
  readonly claimants: Set<string | undefined>;
  /** Bounded by `RETRIES_AFTER_MS`. */
  tries: number;
}

/**
 * Asks whoever is at an address to sign a number that we have just drawn: a recording cannot. Late,
 * spread and sparingly, since beacons are recorded easily and sent from invented addresses; the
 * addresses take turns, so that nobody's many keys keep another one waiting.
 */
export class Challenging implements Timed {
  readonly #context: CoreContext;
  readonly #querying: Querying;
  readonly #peersLive: () => number;
  /** By address and port; bounded by `limits.peers`: who holds most gives way. */
  readonly #open = new Map<string, Challenge>();
  readonly #shares = new Shares<Challenge>();
  /** Delays and retries, of `#open`. */
  readonly #delayed = new TimerQueue<Challenge>();
  /** Whose delay is over, by address; whose turn it is comes first. Of `#open`. */
  readonly #ready = new Map<string, Set<Challenge>>();
  /** When the next one would be due at an even pace (GCRA, ITU-T I.371). */
  #evenlyAtMs = Number.NEGATIVE_INFINITY;

  constructor(context: CoreContext, querying: Querying, peersLive: () => number) {
    this.#context = context;
    this.#querying = querying;
    this.#peersLive = peersLive;
  }

  /** Soon, unless it is under way already. `device`: who is said to be there, if it is known. */
  challenge(nowMs: number, to: Address, device?: string): void {
    const key = addressKey(to);
    const ongoing = this.#open.get(key);
    if (ongoing !== undefined) {
      ongoing.claimants.add(ongoing.claimants.size < MAX_CLAIMANTS ? device : undefined);
      return;
    }
    const { oldestOfLargest } = this.#shares;
    if (this.#open.size >= this.#context.limits.peers && oldestOfLargest !== undefined) {
      this.#close(oldestOfLargest);
    }
    const challenge = { to, claimants: new Set([device]), tries: 0 };
    this.#open.set(key, challenge);
    this.#shares.add(to.address, challenge);
    const spreadMs = this.#peersLive() * SPREAD_PER_PEER_MS;
    this.#delayed.set(challenge, nowMs + uniformBetween(this.#context.random, 0, spreadMs));
  }

  /** Whoever is there has answered. */
  answered(to: Address): void {
    const challenge = this.#open.get(addressKey(to));
    if (challenge !== undefined) this.#close(challenge);
  }

  /** That device needs no challenge any more; another one that is said to be there still does. */
  proved(to: Address, device: string): void {
    const challenge = this.#open.get(addressKey(to));
    if (challenge?.claimants.delete(device) === true && challenge.claimants.size === 0) {
      this.#close(challenge);
    }
  }

  #close(challenge: Challenge): void {
    this.#open.delete(addressKey(challenge.to));
    this.#shares.delete(challenge.to.address, challenge);
    this.#delayed.clear(challenge);
    this.#unready(challenge);
  }

  #unready(challenge: Challenge): void {
    const sameAddress = this.#ready.get(challenge.to.address);
    sameAddress?.delete(challenge);
    if (sameAddress?.size === 0) this.#ready.delete(challenge.to.address);
  }

  nextWakeMs(): number {
    const turnMs = this.#ready.size > 0 ? this.#allowedAtMs() : Number.POSITIVE_INFINITY;
    return Math.min(this.#delayed.nextMs(), turnMs);
  }

  wake(nowMs: number): void {
    for (;;) {
      const challenge = this.#delayed.popDue(nowMs);
      if (challenge === undefined) break;
      const sameAddress = this.#ready.get(challenge.to.address) ?? new Set<Challenge>();
      this.#ready.set(challenge.to.address, sameAddress.add(challenge));
    }
    while (this.#allowedAtMs() <= nowMs) {
      const [[address, [challenge] = []] = []] = this.#ready;
      if (address === undefined || challenge === undefined) return;
      this.#takeTurn(nowMs, challenge);
    }
  }

  #takeTurn(nowMs: number, challenge: Challenge): void {
    const { address } = challenge.to;
    this.#unready(challenge);
    const others = this.#ready.get(address);
    if (others !== undefined) {
      this.#ready.delete(address);
      this.#ready.set(address, others); // behind the other addresses
    }
    this.#evenlyAtMs = Math.max(this.#evenlyAtMs, nowMs) + this.#spacingMs();
    this.#querying.askHost(nowMs, challenge.to, [0]);
    this.#context.counters.add("peersChallenged");
    const retryAfterMs = RETRIES_AFTER_MS[challenge.tries];
    challenge.tries += 1;
    if (retryAfterMs === undefined) this.#close(challenge);
    else this.#delayed.set(challenge, nowMs + retryAfterMs);
  }

  #allowedAtMs(): number {
    return this.#evenlyAtMs - (BURST - 1) * this.#spacingMs();
  }

  #spacingMs(): number {
    return clamp(this.#peersLive() * SPACING_PER_PEER_MS, MIN_SPACING_MS, MAX_SPACING_MS);
  }
}
