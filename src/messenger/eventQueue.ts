/** Options of an {@link EventQueue}. */
export interface EventQueueOptions<T> {
  /** Beyond this many events some are dropped: the oldest dispensable one, else the oldest. */
  readonly capacity: number;
  /** The same for the sum of their sizes. */
  readonly sizes?: { readonly capacityBytes: number; readonly sizeBytes: (event: T) => number };
  /** Says which events are dropped first; without it none is dearer than another. */
  readonly isDispensable?: (event: T) => boolean;
  /** Makes the event that stands for `count` dropped ones; without it they vanish unsaid. */
  readonly lost?: (count: number) => T;
  /** Aborting one of them ends the queue. */
  readonly signals?: readonly (AbortSignal | undefined)[] | undefined;
  /** Called once, when the queue ended for whatever reason; it may be while it is constructed. */
  readonly ended?: (queue: EventQueue<T>) => void;
}

/** Events on their way to one consumer, who takes them as an async iterator. */
export class EventQueue<T> implements AsyncIterableIterator<T> {
  readonly #options: EventQueueOptions<T>;
  /** Bounded by `capacity` and `capacityBytes`. */
  #events: T[] = [];
  #bytes = 0;
  #dispensableCount = 0;
  #lostCount = 0;
  /** Calls of `next` that wait; the consumer bounds them. */
  #waiting: ((result: IteratorResult<T, undefined>) => void)[] = [];
  #ended = false;
  readonly #onAbort = (): void => this.end();

  constructor(options: EventQueueOptions<T>) {
    this.#options = options;
    for (const signal of options.signals ?? []) signal?.addEventListener("abort", this.#onAbort);
    if (options.signals?.some((signal) => signal?.aborted) === true) this.end();
  }

  get ended(): boolean {
    return this.#ended;
  }

  push(event: T): void {
    if (this.#ended) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting({ done: false, value: event });
      return;
    }
    this.#events.push(event);
    this.#count(event, 1);
    while (this.#isOverfull()) {
      this.#remove(this.#leastMissed());
      this.#lostCount += 1;
    }
  }

  /** No more events: what is queued can still be taken. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const signal of this.#options.signals ?? []) {
      signal?.removeEventListener("abort", this.#onAbort);
    }
    for (const waiting of this.#waiting) waiting({ done: true, value: undefined });
    this.#waiting = [];
    this.#options.ended?.(this);
  }

  /** The next event if one is queued. What was lost is told first. */
  take(): T | undefined {
    if (this.#lostCount > 0 && this.#options.lost !== undefined) {
      const lost = this.#options.lost(this.#lostCount);
      this.#lostCount = 0;
      return lost;
    }
    return this.#remove(0);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const event = this.take();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The consumer wants no more, as `break` says. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#events = [];
    this.#bytes = 0;
    this.#dispensableCount = 0;
    this.#lostCount = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #isOverfull(): boolean {
    const { capacity, sizes } = this.#options;
    if (this.#events.length === 0) return false;
    return this.#events.length > capacity || this.#bytes > (sizes?.capacityBytes ?? Infinity);
  }

  /** Index of the event to drop. */
  #leastMissed(): number {
    if (this.#dispensableCount === 0) return 0;
    return this.#events.findIndex((event) => this.#isDispensable(event));
  }

  #remove(index: number): T | undefined {
    const event = index === 0 ? this.#events.shift() : this.#events.splice(index, 1)[0];
    if (event !== undefined) this.#count(event, -1);
    return event;
  }

  #count(event: T, sign: 1 | -1): void {
    this.#bytes += sign * (this.#options.sizes?.sizeBytes(event) ?? 0);
    if (this.#isDispensable(event)) this.#dispensableCount += sign;
  }

  #isDispensable(event: T): boolean {
    return this.#options.isDispensable?.(event) === true;
  }
}
