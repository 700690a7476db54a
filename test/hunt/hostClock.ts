import type { Clock } from "../../src/messenger/clock.js";
import type { Agenda } from "../support/agenda.js";
import { EPOCH_MS } from "../support/simMedium.js";

/** Time of the simulation, and what happens in it. */
export interface Timeline {
  readonly agenda: Agenda;
  readonly nowMs: number;
}

/** How a host's own idea of time departs from the simulation's. It outlasts its processes. */
export class HostTime {
  /** Somebody set the clock on the wall by so much. */
  wallOffsetMs = 0;
  /** Nothing runs before this time of the simulation. */
  frozenUntilMs = 0;
  /** The monotonic clock stood still for so long, while the machine slept. */
  #stoodStillMs = 0;
  /** It stands still since then. */
  #stillSinceMs: number | undefined;

  /** In all, so far. */
  get stoodStillMs(): number {
    return this.#stoodStillMs;
  }

  /** The monotonic clock, at a time of the simulation. */
  monotonicMs(nowMs: number): number {
    return (this.#stillSinceMs ?? nowMs) - this.#stoodStillMs;
  }

  /** The clock on the wall, milliseconds since 1970, at a time of the simulation. */
  wallMs(nowMs: number): number {
    return EPOCH_MS + Math.floor(nowMs) + this.wallOffsetMs;
  }

  /** The monotonic clock stops. */
  standStill(nowMs: number): void {
    this.#stillSinceMs ??= nowMs;
  }

  /** Everything goes on. */
  wakeUp(nowMs: number): void {
    this.frozenUntilMs = 0;
    if (this.#stillSinceMs === undefined) return;
    this.#stoodStillMs += nowMs - this.#stillSinceMs;
    this.#stillSinceMs = undefined;
  }
}

/** The clock of one process on a host of the simulation. It stops for good with the process. */
export class HostClock implements Clock {
  readonly #timeline: Timeline;
  readonly #host: HostTime;
  /** Runs what is due; whatever it throws ends the process, as it would in Node. */
  readonly #run: (callback: () => void) => void;
  #dead = false;
  #timers = 0;

  constructor(timeline: Timeline, host: HostTime, run: (callback: () => void) => void) {
    this.#timeline = timeline;
    this.#host = host;
    this.#run = run;
  }

  /** The process was killed: no callback any more. */
  die(): void {
    this.#dead = true;
  }

  /** That run now. */
  get timers(): number {
    return this.#timers;
  }

  nowMs(): number {
    return this.#host.monotonicMs(this.#timeline.nowMs);
  }

  wallMs(): number {
    return this.#host.wallMs(this.#timeline.nowMs);
  }

  after(delayMs: number, callback: () => void): () => void {
    let pending = true;
    this.#timers += 1;
    const end = (): boolean => {
      if (!pending) return false;
      pending = false;
      this.#timers -= 1;
      return true;
    };
    const fire = (): void => {
      if (end()) callback();
    };
    this.#due(this.nowMs() + Math.max(0, Math.ceil(delayMs)), fire);
    return () => void end();
  }

  endOfTurn(callback: () => void): void {
    this.#at(this.#timeline.nowMs, callback);
  }

  afterPromises(callback: () => void): void {
    this.endOfTurn(callback);
  }

  /** When the monotonic clock is there: it may stand still meanwhile. */
  #due(dueMs: number, callback: () => void): void {
    const leftMs = Math.max(0, dueMs - this.nowMs());
    this.#at(this.#timeline.nowMs + leftMs, () => {
      // Less than that is a rounding error.
      if (dueMs - this.nowMs() > 0.001) this.#due(dueMs, callback);
      else callback();
    });
  }

  #at(atMs: number, callback: () => void): void {
    this.#timeline.agenda.add(atMs, () => {
      if (this.#dead) return;
      const { frozenUntilMs } = this.#host;
      if (frozenUntilMs > this.#timeline.nowMs) this.#at(frozenUntilMs, callback);
      else this.#run(callback);
    });
  }
}
