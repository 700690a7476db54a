import type { Clock } from "./clock.js";

/**
 * One timer that is moved far more often than it rings: where it would ring earlier than is wanted
 * by now it stays, and is set anew when it does.
 */
export class MovableTimer {
  readonly #clock: Pick<Clock, "nowMs" | "after">;
  readonly #due: () => void;
  /** When it is wanted; Infinity for never. */
  #wantedAtMs = Number.POSITIVE_INFINITY;
  /** When it rings; Infinity for no timer. */
  #ringsAtMs = Number.POSITIVE_INFINITY;
  #cancel: () => void = () => undefined;

  /** `due`: called when it rings at the time that is wanted, or later. */
  constructor(clock: Pick<Clock, "nowMs" | "after">, due: () => void) {
    this.#clock = clock;
    this.#due = due;
  }

  /** Moves it to that time; Infinity for never. */
  set(nowMs: number, atMs: number): void {
    this.#wantedAtMs = atMs;
    if (this.#ringsAtMs <= atMs) return;
    this.#cancel();
    this.#ringsAtMs = atMs;
    this.#cancel = this.#clock.after(atMs - nowMs, () => this.#rang());
  }

  stop(): void {
    this.#wantedAtMs = Number.POSITIVE_INFINITY;
    this.#ringsAtMs = Number.POSITIVE_INFINITY;
    this.#cancel();
  }

  #rang(): void {
    this.#ringsAtMs = Number.POSITIVE_INFINITY;
    const wantedAtMs = this.#wantedAtMs;
    const nowMs = this.#clock.nowMs();
    if (nowMs < wantedAtMs) {
      this.set(nowMs, wantedAtMs);
    } else {
      this.#wantedAtMs = Number.POSITIVE_INFINITY;
      this.#due();
    }
  }
}
