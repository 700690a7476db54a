import { type RandomSource, uniformBetween } from "../../crypto/random.js";
import { clamp } from "../clamp.js";

const INITIAL_GRTT_MS = 10;
const MIN_GRTT_MS = 1;
const MAX_GRTT_MS = 2000;
/** Data that is merely out of order arrives within this time. */
const REORDER_GRACE_MS = 5;
const MIN_BACKOFF_MS = 40;
const MAX_BACKOFF_MS = 1000;
/** Backoff in round trips: enough for the first NACK to be heard before the second one goes. */
const BACKOFF_GRTTS = 6;
const MIN_HOLD_OFF_MS = 60;
/** T and a round trip, at their longest. */
const MAX_HOLD_OFF_MS = 3000;
const HOLD_OFF_GROWTH = 1.5;
/** Then we ask ourselves: the NACKs that silenced us may never have reached the sender. */
const MAX_SUPPRESSIONS = 3;

/** The group round trip: from a NACK of ours to the first repair that it brings. */
export class GroupRoundTrip {
  #grttMs = INITIAL_GRTT_MS;

  get grttMs(): number {
    return this.#grttMs;
  }

  /** T of RFC 5401 section 3.2.2. */
  get maxBackoffMs(): number {
    return clamp(BACKOFF_GRTTS * this.#grttMs, MIN_BACKOFF_MS, MAX_BACKOFF_MS);
  }

  sample(elapsedMs: number): void {
    this.#grttMs = clamp((7 * this.#grttMs + elapsedMs) / 8, MIN_GRTT_MS, MAX_GRTT_MS);
  }
}

/**
 * The truncated exponential distribution of RFC 5401 section 3.2.2, its inverse simplified: few
 * members draw a short time and most a long one, so that one NACK silences the others.
 */
export function randomBackoffMs(
  random: RandomSource,
  maxBackoffMs: number,
  groupSize: number,
): number {
  const lambda = Math.log(Math.max(1, groupSize)) + 1;
  const uniform = uniformBetween(random, 0, 1);
  return (maxBackoffMs / lambda) * Math.log(1 + uniform * (Math.exp(lambda) - 1));
}

/**
 * When to ask one sender for what is missing.
 *
 * ```text
 *        loss seen              backoff over: NACK        hold-off over
 *  idle -----------> backing off ----------------> holding off ---------> backing off
 *   ^                     |   somebody else's NACK      ^        |
 *   |                     +-----------------------------+        |
 *   +------------------- nothing is missing any more ------------+
 * ```
 */
export class NackTimer {
  readonly #random: RandomSource;
  readonly #roundTrip: GroupRoundTrip;
  #phase: "idle" | "backingOff" | "holdingOff" = "idle";
  #dueMs = Number.POSITIVE_INFINITY;
  #askedAtMs: number | undefined;
  #progressed = false;
  #fruitlessRounds = 0;
  #suppressionsInARow = 0;

  constructor(random: RandomSource, roundTrip: GroupRoundTrip) {
    this.#random = random;
    this.#roundTrip = roundTrip;
  }

  /** When `due` must be called; Infinity while nothing is missing. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** Rounds in a row that brought nothing. */
  get fruitlessRounds(): number {
    return this.#fruitlessRounds;
  }

  /** Somebody else's NACK would be as good as ours now. */
  get suppressible(): boolean {
    return this.#phase === "backingOff" && this.#suppressionsInARow < MAX_SUPPRESSIONS;
  }

  /** Something is missing. Starts the first backoff; later ones follow by themselves. */
  lossSeen(nowMs: number, groupSize: number): void {
    if (this.#phase !== "idle") return;
    this.#backOff(nowMs + REORDER_GRACE_MS, groupSize);
  }

  /** The deadline is reached and something is missing still: true if a NACK must go out now. */
  due(nowMs: number, groupSize: number): boolean {
    if (this.#phase === "backingOff") {
      this.#holdOff(nowMs);
      this.#askedAtMs = nowMs;
      this.#suppressionsInARow = 0;
      return true;
    }
    if (!this.#progressed) this.#fruitlessRounds += 1;
    this.#backOff(nowMs, groupSize);
    return false;
  }

  /** Another member asked for all that we miss: wait as if we had. */
  suppress(nowMs: number): void {
    this.#suppressionsInARow += 1;
    this.#holdOff(nowMs);
  }

  /** What the rounds asked for is settled: from here on they ask for something else. */
  settled(): void {
    this.#fruitlessRounds = 0;
  }

  /**
   * Something that was asked for arrived. `byAuthor`: who repeats what others said waits before it
   * does, by a multiple of the round trip: that is no measure of it.
   */
  filled(nowMs: number, byAuthor: boolean): void {
    if (this.#askedAtMs !== undefined && byAuthor) {
      this.#roundTrip.sample(nowMs - this.#askedAtMs);
    }
    this.#askedAtMs = undefined;
    this.#progressed = true;
    this.#fruitlessRounds = 0;
    this.#suppressionsInARow = 0;
  }

  /** Nothing is missing any more. */
  reset(): void {
    this.#phase = "idle";
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#askedAtMs = undefined;
    this.#fruitlessRounds = 0;
    this.#suppressionsInARow = 0;
  }

  #backOff(fromMs: number, groupSize: number): void {
    this.#phase = "backingOff";
    const maxBackoffMs = this.#roundTrip.maxBackoffMs;
    this.#dueMs = fromMs + randomBackoffMs(this.#random, maxBackoffMs, groupSize);
  }

  #holdOff(nowMs: number): void {
    this.#phase = "holdingOff";
    this.#progressed = false;
    const { grttMs, maxBackoffMs } = this.#roundTrip;
    const baseMs = Math.max(MIN_HOLD_OFF_MS, maxBackoffMs + grttMs);
    const grownMs = baseMs * HOLD_OFF_GROWTH ** this.#fruitlessRounds;
    this.#dueMs = nowMs + Math.min(grownMs, MAX_HOLD_OFF_MS);
  }
}
