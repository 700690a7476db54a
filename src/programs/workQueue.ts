export interface WorkQueueOptions {
  /** Jobs that run at the same time; with 1 they end in the order in which they came. */
  readonly concurrency: number;
  /** Jobs that may wait for their turn. */
  readonly maxWaiting: number;
}

/** What is done. It never rejects. */
export type Job = () => Promise<void>;

/** Jobs, so many of them at a time, in the order in which they came. */
export class WorkQueue {
  readonly #concurrency: number;
  readonly #maxWaiting: number;
  /** At most `maxWaiting`. */
  readonly #waiting: Job[] = [];
  #running = 0;
  /** Called at the next end of a job; bounded by the callers of `add` and `idle`. */
  #wakes: (() => void)[] = [];

  constructor({ concurrency, maxWaiting }: WorkQueueOptions) {
    this.#concurrency = concurrency;
    this.#maxWaiting = maxWaiting;
  }

  /** False: it is not done, as too many wait already. */
  offer(job: Job): boolean {
    if (this.#running < this.#concurrency) {
      void this.#work(job);
      return true;
    }
    if (this.#waiting.length >= this.#maxWaiting) return false;
    this.#waiting.push(job);
    return true;
  }

  /** Resolves once the job has its place, so that whoever brings jobs is slowed down. */
  async add(job: Job): Promise<void> {
    while (!this.offer(job)) await this.#nextEnd();
  }

  /** Resolves when nothing runs or waits. */
  async idle(): Promise<void> {
    while (this.#running > 0) await this.#nextEnd();
  }

  async #work(first: Job): Promise<void> {
    this.#running += 1;
    for (let job: Job | undefined = first; job !== undefined; job = this.#waiting.shift()) {
      await job();
      this.#wakeAll();
    }
    this.#running -= 1;
    this.#wakeAll();
  }

  #nextEnd(): Promise<void> {
    return new Promise((resolve) => this.#wakes.push(resolve));
  }

  #wakeAll(): void {
    const wakes = this.#wakes;
    this.#wakes = [];
    for (const wake of wakes) wake();
  }
}
