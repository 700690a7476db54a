import type { Writable } from "node:stream";
import { errnoOf } from "../errors.js";

/** A line that stays below everything that is written: the prompt and what is being typed. */
export interface Bottom {
  readonly hide: () => void;
  readonly show: () => void;
}

/**
 * A stream of text that may go away (`udpchat listen | head -1`): then writing does nothing, and
 * whoever listens to `onBroken` ends the command.
 */
export class Output {
  readonly #stream: Writable;
  readonly #onError: (error: Error) => void;
  #broken = false;
  #bottom: Bottom | undefined;

  constructor(stream: Writable, onBroken: (error: Error) => void) {
    this.#stream = stream;
    this.#onError = (error) => {
      if (this.#broken) return;
      this.#broken = true;
      onBroken(error);
    };
    stream.on("error", this.#onError);
  }

  /** Resolves when the stream has taken it, so that a slow reader slows the writer down. */
  write(text: string): Promise<void> {
    if (this.#broken || text === "") return Promise.resolve();
    return new Promise((resolve) => {
      this.#bottom?.hide();
      this.#stream.write(text, (error) => {
        if (error instanceof Error) this.#onError(error);
        resolve();
      });
      this.#bottom?.show();
    });
  }

  line(text: string): Promise<void> {
    return this.write(`${text}\n`);
  }

  /** Undefined: nothing any more. */
  keepBelow(bottom: Bottom | undefined): void {
    this.#bottom = bottom;
  }

  /** Takes back what the constructor attached. */
  dispose(): void {
    this.#stream.off("error", this.#onError);
  }
}

/** The reader is gone, which is its right. */
export function isBrokenPipe(error: unknown): boolean {
  return errnoOf(error) === "EPIPE" || errnoOf(error) === "ERR_STREAM_DESTROYED";
}
