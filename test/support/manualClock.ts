import type { Clock } from "../../src/messenger/clock.js";

/** The wall clock of a manual clock at 0. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

/** Time that passes only when it is turned. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #wallAtStartMs = EPOCH_MS;
  #nextId = 0;
  readonly #timers = new Map<number, { readonly atMs: number; readonly callback: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallAtStartMs + this.#nowMs;
  }

  /** Somebody sets the clock on the wall; no time passes. */
  setWall(byMs: number): void {
    this.#wallAtStartMs += byMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const id = this.#nextId;
    this.#nextId += 1;
    // Whole milliseconds, as the system's timers: a sum that falls short by a rounding error
    // would fire too early, for ever at the same time.
    this.#timers.set(id, { atMs: this.#nowMs + Math.max(0, Math.ceil(delayMs)), callback });
    return () => this.#timers.delete(id);
  }

  endOfTurn(callback: () => void): void {
    setImmediate(callback);
  }

  afterPromises(callback: () => void): void {
    process.nextTick(callback);
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets `durationMs` pass: every timer at its time, and what it sets off in full before the next. */
  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    await settle();
    for (;;) {
      const due = this.#earliest();
      if (due === undefined || due.atMs > untilMs) break;
      this.#timers.delete(due.id);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  /** Lets time pass until the promise is settled, at most `limitMs`. */
  async until<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    const state = { settled: false };
    const mark = (): void => {
      state.settled = true;
    };
    promise.then(mark, mark);
    await settle();
    const untilMs = this.#nowMs + limitMs;
    while (!state.settled) {
      const due = this.#earliest();
      if (due === undefined || due.atMs > untilMs) throw new Error("nothing settles the promise");
      await this.advance(due.atMs - this.#nowMs);
    }
    return promise;
  }

  #earliest(): { id: number; atMs: number; callback: () => void } | undefined {
    let earliest: { id: number; atMs: number; callback: () => void } | undefined;
    for (const [id, timer] of this.#timers) {
      if (earliest === undefined || timer.atMs < earliest.atMs) earliest = { id, ...timer };
    }
    return earliest;
  }
}

/** Turns of the event loop: a datagram and its answer take two each way. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
