import { performance } from "node:perf_hooks";

/** Time, and the way to be called later. Tests put a clock here that is turned by hand. */
export interface Clock {
  /** Monotonic milliseconds without an epoch. */
  nowMs(): number;
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** Calls back once after `delayMs`; the returned function prevents it. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls back when the inputs of this turn of the event loop have been taken in. */
  endOfTurn(callback: () => void): void;
  /** Calls back when what waited for promises has run, before the event loop goes on. */
  afterPromises(callback: () => void): void;
}

/** The longest delay that a Node timer takes; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, callback) {
    const clampedMs = Math.min(Math.max(Math.ceil(delayMs), 0), MAX_TIMER_MS);
    const timer = setTimeout(callback, clampedMs);
    return () => clearTimeout(timer);
  },
  endOfTurn(callback) {
    setImmediate(callback);
  },
  afterPromises(callback) {
    process.nextTick(callback);
  },
};
