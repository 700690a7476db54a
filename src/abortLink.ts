/**
 * A signal that aborts when one of its sources does, or by hand.
 *
 * It stands for `AbortSignal.any`, which nothing releases from a source that lives on, and which on
 * Node 20 forgets a source that nobody else holds, as `AbortSignal.timeout(...)`
 * (nodejs/node#54614). This one holds on to its sources, and they to it, until it aborts or is
 * released.
 */
export class AbortLink {
  readonly #controller = new AbortController();
  readonly #sources: readonly AbortSignal[];
  readonly #onAbort = (event: Event): void => {
    const source = event.target;
    this.abort(source instanceof AbortSignal ? source.reason : undefined);
  };

  /** @param sources undefined ones are left out, as options often are */
  constructor(...sources: readonly (AbortSignal | undefined)[]) {
    this.#sources = sources.filter((source) => source !== undefined);
    for (const source of this.#sources) {
      if (source.aborted) this.abort(source.reason);
      else source.addEventListener("abort", this.#onAbort);
    }
    if (this.signal.aborted) this.release();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason?: unknown): void {
    this.release();
    this.#controller.abort(reason);
  }

  /** The sources are followed no longer. To be called when the work is over, however it ended. */
  release(): void {
    for (const source of this.#sources) source.removeEventListener("abort", this.#onAbort);
  }
}
