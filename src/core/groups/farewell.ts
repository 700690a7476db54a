/** After the last NACK or goodbye nobody needs us any more. */
const QUIET_MS = 500;
/** However much is asked for after the final lead was told. */
const MAX_LINGER_MS = 5000;
/** However much was waiting when we left. */
const MAX_DRAIN_MS = 30_000;
/** The last goodbye goes this long after the first: before that it is not quiet. */
const GOODBYES_MS = 600;

/**
 * How long a member that leaves stays to repair its last lines: what waits is sent first, then
 * the final lead is told, then half a second must pass without a question.
 */
export class Farewell {
  readonly #leftAtMs: number;
  #drainedAtMs: number | undefined;
  #quietSinceMs: number;

  constructor(nowMs: number) {
    this.#leftAtMs = nowMs;
    this.#quietSinceMs = nowMs;
  }

  /** The lines that still wait have waited for too long. */
  outOfPatience(nowMs: number): boolean {
    return nowMs >= this.#leftAtMs + MAX_DRAIN_MS;
  }

  /** Every line is sent. True the first time. */
  drained(nowMs: number): boolean {
    if (this.#drainedAtMs !== undefined) return false;
    this.#drainedAtMs = nowMs;
    return true;
  }

  /** A goodbye went out. */
  said(nowMs: number): void {
    this.#quietSinceMs = nowMs;
  }

  /** Somebody asked for a repair. */
  asked(nowMs: number): void {
    this.#quietSinceMs = nowMs;
  }

  isOver(nowMs: number, hasRepairs: boolean): boolean {
    return nowMs >= this.#lingerEndMs() || (!hasRepairs && nowMs >= this.#quietEndMs());
  }

  /** When to look again; above `nowMs`. */
  dueMs(nowMs: number): number {
    const quietEndMs = this.#quietEndMs();
    return quietEndMs > nowMs ? Math.min(quietEndMs, this.#lingerEndMs()) : this.#lingerEndMs();
  }

  #quietEndMs(): number {
    const goodbyesEndMs = (this.#drainedAtMs ?? Number.POSITIVE_INFINITY) + GOODBYES_MS;
    return Math.max(this.#quietSinceMs, goodbyesEndMs) + QUIET_MS;
  }

  #lingerEndMs(): number {
    return this.#drainedAtMs === undefined
      ? this.#leftAtMs + MAX_DRAIN_MS
      : this.#drainedAtMs + MAX_LINGER_MS;
  }
}
