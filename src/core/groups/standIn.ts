import type { RandomSource } from "../../crypto/random.js";
import type { Instance } from "../../wire/presence.js";
import type { Alarm, TimerQueue } from "../timers.js";
import { type GroupRoundTrip, randomBackoffMs } from "./nack.js";

/** Datagrams of others that we may have to repeat; whoever misses more asks again. */
const MAX_PENDING = 1024;
/** In units of T: so long an author who is here has to repeat it itself. */
const AUTHOR_BACKOFFS = 2;

/** What is asked for of one author. */
interface Batch {
  readonly of: Instance;
  /** Not empty. */
  readonly sequences: Set<number>;
  readonly authorIsHere: boolean;
  dueMs: number;
}

/** What standing in needs of the membership around it. */
export interface StandInSurroundings {
  readonly roundTrip: GroupRoundTrip;
  /** Members online, ourselves included: how many may stand in. */
  memberCount(): number;
  /** Nobody did it before us. */
  repeat(of: Instance, sequences: ReadonlySet<number>): void;
}

/**
 * Repeats what others said, when they do not: asked for by a NACK, after a random time in which
 * most of those who have it hear that somebody repeats it already. RFC 5401 section 3.2.2 for the
 * times; they are drawn anew while somebody is at it.
 */
export class StandIn {
  readonly #random: RandomSource;
  readonly #timers: TimerQueue<Alarm>;
  readonly #around: StandInSurroundings;
  /** By device and incarnation; with at most `MAX_PENDING` sequences in all. */
  readonly #batches = new Map<string, Batch>();
  #pending = 0;
  readonly #due: Alarm = (nowMs) => this.#onDue(nowMs);

  constructor(random: RandomSource, timers: TimerQueue<Alarm>, surroundings: StandInSurroundings) {
    this.#random = random;
    this.#timers = timers;
    this.#around = surroundings;
  }

  /** Somebody misses `sequences` of `of`. `authorIsHere`: and can repeat them itself. */
  asked(nowMs: number, of: Instance, sequences: readonly number[], authorIsHere: boolean): void {
    const key = keyOf(of);
    const begun = this.#batches.get(key);
    const dueMs = begun?.dueMs ?? nowMs + this.#delayMs(authorIsHere);
    const instance = { device: of.device, incarnation: of.incarnation };
    const batch = begun ?? { of: instance, sequences: new Set<number>(), authorIsHere, dueMs };
    for (const sequence of sequences) {
      if (this.#pending >= MAX_PENDING) break;
      if (!batch.sequences.has(sequence)) this.#pending += 1;
      batch.sequences.add(sequence);
    }
    if (batch.sequences.size > 0) this.#batches.set(key, batch);
    this.#setTimer();
  }

  /** We would repeat it soon. */
  has(of: Instance, sequence: number): boolean {
    return this.#pending > 0 && this.#batches.get(keyOf(of))?.sequences.has(sequence) === true;
  }

  /** Somebody else repeated it, and goes on with the rest, perhaps. */
  heard(nowMs: number, of: Instance, sequence: number): void {
    const key = keyOf(of);
    const batch = this.#batches.get(key);
    if (batch?.sequences.delete(sequence) !== true) return;
    this.#pending -= 1;
    if (batch.sequences.size === 0) this.#batches.delete(key);
    else batch.dueMs = Math.max(batch.dueMs, nowMs + this.#delayMs(batch.authorIsHere));
    this.#setTimer();
  }

  close(): void {
    this.#batches.clear();
    this.#pending = 0;
    this.#timers.clear(this.#due);
  }

  #delayMs(authorIsHere: boolean): number {
    const { maxBackoffMs } = this.#around.roundTrip;
    const backoffMs = randomBackoffMs(this.#random, maxBackoffMs, this.#around.memberCount());
    return (authorIsHere ? AUTHOR_BACKOFFS * maxBackoffMs : 0) + backoffMs;
  }

  #onDue(nowMs: number): void {
    for (const [key, { of, sequences, dueMs }] of this.#batches) {
      if (dueMs > nowMs) continue;
      this.#batches.delete(key);
      this.#pending -= sequences.size;
      this.#around.repeat(of, sequences);
    }
    this.#setTimer();
  }

  #setTimer(): void {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const batch of this.#batches.values()) dueMs = Math.min(dueMs, batch.dueMs);
    this.#timers.set(this.#due, dueMs);
  }
}

function keyOf({ device, incarnation }: Instance): string {
  return device + incarnation;
}
