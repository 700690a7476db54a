import { type RandomSource, uniformBetween } from "../../crypto/random.js";
import { clamp } from "../clamp.js";

/** What the heartbeat that is due says. */
export interface HeartbeatDue {
  readonly hello: boolean;
  readonly leaving: boolean;
  /** The next one comes within this time. */
  readonly intervalMs: number;
}

const HELLO_DELAYS_MS: readonly number[] = [0, 250, 1000];
const LEAVING_DELAYS_MS: readonly number[] = [0, 100, 300, 600];
/** Steady interval begun after the hellos, doubling. */
const AFTER_HELLO_MS = 2000;
const AFTER_DATA_MS = 100;
/** Under unbroken data a heartbeat goes at least this often: it tells what can be repaired. */
const AMID_DATA_MS = 1000;
/** Not sooner: whoever asks for repairs without end gets no more heartbeats than one a second. */
const AFTER_REPAIR_MS = 1000;
const STEADY_MS = 30_000;
/** All members together: 64 kbit/s of heartbeats of 250 bytes. */
const STEADY_MS_PER_MEMBER = (250 * 8) / 64;
const JITTER_LOW = 0.75;
const JITTER_HIGH = 1.25;
/** Announced at least: lost heartbeats of a quick series must not look like silence. */
const MIN_ANNOUNCED_MS = 10_000;
const MIN_ANSWER_SPREAD_MS = 50;
const MAX_ANSWER_SPREAD_MS = 1000;
const ANSWER_SPREAD_MS_PER_MEMBER = 2;
const ANSWER_SPACING_MS = 1000;
const SOON_MS = 250;

/**
 * When the heartbeats of one membership go out.
 *
 * ```text
 * join      hello at 0, 250 ms, 1 s, then every 2 s doubling to 30 s
 * data      100 ms after the last, doubling to 30 s
 * repair    1 s after the first, doubling to 30 s
 * hello     of somebody else: an answer after a random delay, at most one a second
 * leave     at 0, 100, 300, 600 ms, then silence
 * ```
 */
export class HeartbeatSchedule {
  readonly #random: RandomSource;
  readonly #memberCount: () => number;
  /** Ascending; at most three. */
  #hellosAtMs: number[] = [];
  /** Ascending; at most four. */
  #leavingsAtMs: number[] | undefined;
  #regularAtMs = Number.POSITIVE_INFINITY;
  /** Of the chain: how long after the next heartbeat comes the one behind it, doubled each time. */
  #intervalMs = STEADY_MS;
  #answerAtMs = Number.POSITIVE_INFINITY;
  #answeredAtMs = Number.NEGATIVE_INFINITY;
  /** First data that no heartbeat followed yet. */
  #dataSinceMs: number | undefined;

  constructor(random: RandomSource, memberCount: () => number) {
    this.#random = random;
    this.#memberCount = memberCount;
  }

  /** When `take` has something; Infinity for never. */
  get dueMs(): number {
    if (this.#leavingsAtMs !== undefined) return this.#leavingsAtMs[0] ?? Number.POSITIVE_INFINITY;
    return Math.min(this.#nextOwnMs(), this.#answerAtMs);
  }

  #nextOwnMs(): number {
    return Math.min(this.#regularAtMs, this.#hellosAtMs[0] ?? Number.POSITIVE_INFINITY);
  }

  joined(nowMs: number): void {
    this.#hellosAtMs = HELLO_DELAYS_MS.map((delayMs) => nowMs + this.#jittered(delayMs));
    this.#intervalMs = AFTER_HELLO_MS;
    this.#regularAtMs = (this.#hellosAtMs.at(-1) ?? nowMs) + this.#jittered(AFTER_HELLO_MS);
  }

  dataSent(nowMs: number): void {
    this.#dataSinceMs ??= nowMs;
    this.#intervalMs = AFTER_DATA_MS;
    this.#regularAtMs = Math.min(nowMs + AFTER_DATA_MS, this.#dataSinceMs + AMID_DATA_MS);
  }

  /**
   * Somebody missed what was said: others may have missed all that tells them so, up to our next
   * heartbeat, which can be lost as well. RFC 5740 section 4.2.3: repairs are flushed like data.
   */
  repairSent(nowMs: number): void {
    this.#intervalMs = Math.min(this.#intervalMs, AFTER_REPAIR_MS);
    this.#regularAtMs = Math.min(this.#regularAtMs, nowMs + AFTER_REPAIR_MS);
  }

  /** Somebody wants to know who is here, or what we can still repeat. */
  asked(nowMs: number): void {
    if (this.#answerAtMs !== Number.POSITIVE_INFINITY) return; // one answer serves them all
    const spreadMs = clamp(
      this.#memberCount() * ANSWER_SPREAD_MS_PER_MEMBER,
      MIN_ANSWER_SPREAD_MS,
      MAX_ANSWER_SPREAD_MS,
    );
    const atMs = nowMs + uniformBetween(this.#random, 0, spreadMs);
    this.#answerAtMs = Math.max(atMs, this.#answeredAtMs + ANSWER_SPACING_MS);
  }

  /** We may be among others now: a hello soon. */
  interfacesChanged(nowMs: number): void {
    const atMs = nowMs + uniformBetween(this.#random, 0, SOON_MS);
    if ((this.#hellosAtMs[0] ?? Number.POSITIVE_INFINITY) > atMs) {
      this.#hellosAtMs = [atMs, ...this.#hellosAtMs.slice(-2)];
    }
  }

  /** From now on only the last words. */
  leaving(nowMs: number): void {
    this.#leavingsAtMs = LEAVING_DELAYS_MS.map((delayMs) => nowMs + delayMs);
  }

  /** The heartbeat that is due at `nowMs`, if one is; every call moves on to the next. */
  take(nowMs: number): HeartbeatDue | undefined {
    if (this.dueMs > nowMs) return undefined;
    if (this.#leavingsAtMs !== undefined) {
      this.#leavingsAtMs.shift();
      return { hello: false, leaving: true, intervalMs: MIN_ANNOUNCED_MS };
    }
    const hello = (this.#hellosAtMs[0] ?? Number.POSITIVE_INFINITY) <= nowMs;
    while ((this.#hellosAtMs[0] ?? Number.POSITIVE_INFINITY) <= nowMs) this.#hellosAtMs.shift();
    // Whatever the occasion, it says all there is to say.
    if (this.#answerAtMs !== Number.POSITIVE_INFINITY) this.#answeredAtMs = nowMs;
    this.#answerAtMs = Number.POSITIVE_INFINITY;
    if (this.#regularAtMs <= nowMs) this.#advance(nowMs);
    return { hello, leaving: false, intervalMs: this.#announcedMs(nowMs) };
  }

  /**
   * An upper bound of the time to the next heartbeat. Intervals double, so that 3.5 times the
   * next one would span only two heartbeats: announced is twice that, until it is steady.
   */
  #announcedMs(nowMs: number): number {
    const nextMs = this.#nextOwnMs() - nowMs;
    const generousMs = Math.min(2 * nextMs, this.#steadyMs() * JITTER_HIGH);
    return Math.ceil(Math.max(nextMs, generousMs, MIN_ANNOUNCED_MS));
  }

  #steadyMs(): number {
    return Math.max(STEADY_MS, this.#memberCount() * STEADY_MS_PER_MEMBER);
  }

  #advance(nowMs: number): void {
    this.#dataSinceMs = undefined;
    this.#intervalMs = Math.min(2 * this.#intervalMs, this.#steadyMs());
    this.#regularAtMs = nowMs + this.#jittered(this.#intervalMs);
  }

  #jittered(intervalMs: number): number {
    return intervalMs * uniformBetween(this.#random, JITTER_LOW, JITTER_HIGH);
  }
}
