/** How long calls wait, and what they say when it was in vain. */
import { UdpchatError } from "../errors.js";
import type { Clock } from "./clock.js";
import type { WaitOptions } from "./types.js";

/** Of `send` and `ask`. */
export const DEFAULT_TIMEOUT_MS = 5000;
/** Of `discover`. */
export const DEFAULT_DISCOVER_MS = 1000;

/**
 * A usable time to wait, milliseconds.
 * @throws UdpchatError INVALID_DURATION
 */
export function checkedDurationMs(durationMs: number): number {
  if (Number.isFinite(durationMs) && durationMs >= 0) return durationMs;
  throw new UdpchatError("INVALID_DURATION", `a wait of ${durationMs} ms is not possible`, {
    remedy: "use a number of milliseconds, 0 or more",
  });
}

/** `5 s`, `1.5 s` or `250 ms`. */
export function durationText(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  return `${Math.round(durationMs / 100) / 10} s`;
}

export function abortedError(signal: AbortSignal): UdpchatError {
  return new UdpchatError("ABORTED", "given up by the caller", { cause: signal.reason });
}

export function closedError(): UdpchatError {
  return new UdpchatError("CLOSED", "the messenger is closed", { remedy: "open another one" });
}

/** The time that a call has, and the ways in which it ends early. */
export class Deadline {
  readonly #expired: Promise<never>;
  #stop: () => void = () => undefined;

  /**
   * @param timedOut what to say then
   * @throws UdpchatError INVALID_DURATION; ABORTED at once
   */
  constructor(
    clock: Pick<Clock, "after">,
    { timeoutMs, signal }: WaitOptions,
    timedOut: (timeoutMs: number) => UdpchatError,
  ) {
    const wholeMs = checkedDurationMs(timeoutMs ?? DEFAULT_TIMEOUT_MS);
    if (signal?.aborted === true) throw abortedError(signal);
    this.#expired = new Promise((_resolve, reject) => {
      const cancelTimer = clock.after(wholeMs, () => reject(timedOut(wholeMs)));
      const onAbort = (): void => {
        if (signal !== undefined) reject(abortedError(signal));
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#stop = () => {
        cancelTimer();
        signal?.removeEventListener("abort", onAbort);
      };
    });
    // Nobody waits at every moment.
    this.#expired.catch(() => undefined);
  }

  /** Settles as `work` does, or rejects when the time is over. */
  race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#expired]);
  }

  /** The call has ended. */
  stop(): void {
    this.#stop();
  }
}
