/** Options of an {@link EventQueue}. */
export interface EventQueueOptions<T> {
  /** Beyond this the oldest events are dropped. */
  readonly capacity: number;
  /** Makes the event that stands for `count` dropped ones; without it they vanish unsaid. */
  readonly lost?: (count: number) => T;
  /** Aborting ends the queue. */
  readonly signal?: AbortSignal | undefined;
  /** Called once, when the queue ended for whatever reason. */
  readonly ended?: () => void;
}

/** Events on their way to one consumer, who takes them as an async iterator. */
export class EventQueue<T> implements AsyncIterableIterator<T> {
  readonly #options: EventQueueOptions<T>;
  /** Bounded by `capacity`. */
  #events: T[] = [];
  #lostCount = 0;
  /** Calls of `next` that wait; the consumer bounds them. */
  #waiting: ((result: IteratorResult<T, undefined>) => void)[] = [];
  #ended = false;
  readonly #onAbort = (): void => this.end();

  constructor(options: EventQueueOptions<T>) {
    this.#options = options;
    if (options.signal?.aborted === true) this.end();
    else options.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  push(event: T): void {
    if (this.#ended) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting({ done: false, value: event });
      return;
    }
    this.#events.push(event);
    if (this.#events.length > this.#options.capacity) {
      this.#events.shift();
      this.#lostCount += 1;
    }
  }

  /** No more events: what is queued can still be taken. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    for (const waiting of this.#waiting) waiting({ done: true, value: undefined });
    this.#waiting = [];
    this.#options.ended?.();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const event = this.#take();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The consumer wants no more, as `break` says. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#events = [];
    this.#lostCount = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** What was lost is older than everything that is left. */
  #take(): T | undefined {
    if (this.#lostCount > 0 && this.#options.lost !== undefined) {
      const lost = this.#options.lost(this.#lostCount);
      this.#lostCount = 0;
      return lost;
    }
    return this.#events.shift();
  }
}
