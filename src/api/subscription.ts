import { AbortLink } from "../abortLink.js";

/**
 * An endless source of a messenger, begun at once: what happens between here and the first
 * iteration is not missed. Ends quietly when closed, when `outer` aborts or the source ends.
 */
export class Subscription<T> implements AsyncIterable<T> {
  readonly #ending: AbortLink;
  readonly #iterator: AsyncIterator<T>;
  #first: Promise<IteratorResult<T>> | undefined;

  constructor(open: (signal: AbortSignal) => AsyncIterable<T>, outer: AbortSignal) {
    this.#ending = new AbortLink(outer);
    this.#iterator = open(this.#ending.signal)[Symbol.asyncIterator]();
    // Async generators subscribe at their first `next`: ask now, look at the result later.
    this.#first = this.#iterator.next();
    this.#first.catch(() => undefined);
  }

  close(): void {
    this.#ending.abort();
    // Wakes nobody who waits, but ends a source that is between two items.
    this.#iterator.return?.().catch(() => undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      while (!this.#ending.signal.aborted) {
        const next = this.#first ?? this.#iterator.next();
        this.#first = undefined;
        const result = await next;
        if (result.done === true) return;
        yield result.value;
      }
    } catch (error) {
      if (!this.#ending.signal.aborted) throw error;
    } finally {
      this.close();
    }
  }
}
