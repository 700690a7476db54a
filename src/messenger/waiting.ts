/** How long calls wait, and what they say when it was in vain. */
import { UdpchatError } from "../errors.js";

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
