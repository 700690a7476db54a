import type { Writable } from "node:stream";
import { getSystemErrorMap } from "node:util";
import { errnoOf, UdpchatError } from "../errors.js";

/**
 * A stream of text that may go away (`udpchat listen | head -1`): then writing does nothing, and
 * whoever listens to `onBroken` ends the command.
 */
export class Output {
  readonly #stream: Writable;
  readonly #onError: (error: Error) => void;
  #failure: Error | undefined;
  #elsewhere: ((text: string) => void) | undefined;

  constructor(stream: Writable, onBroken: (error: Error) => void) {
    this.#stream = stream;
    this.#onError = (error) => {
      if (this.#failure !== undefined) return;
      this.#failure = error;
      onBroken(error);
    };
    stream.on("error", this.#onError);
  }

  /** Why nothing can be written any more. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Resolves when the stream has taken it, so that a slow reader slows the writer down. */
  write(text: string | Uint8Array): Promise<void> {
    if (this.#failure !== undefined || text.length === 0) return Promise.resolve();
    if (this.#elsewhere !== undefined) {
      this.#elsewhere(typeof text === "string" ? text : Buffer.from(text).toString());
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#stream.write(text, (error) => {
        if (error instanceof Error) this.#onError(error);
        resolve();
      });
    });
  }

  line(text: string): Promise<void> {
    return this.write(`${text}\n`);
  }

  /** Everything goes there from now on, as where a prompt stays below it; undefined: to the stream. */
  divert(elsewhere: ((text: string) => void) | undefined): void {
    this.#elsewhere = elsewhere;
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

/** A full disk and the like, as the user reads it. */
export function cannotWrite(cause: Error): UdpchatError {
  const errno = "errno" in cause && typeof cause.errno === "number" ? cause.errno : 0;
  const [, reason = cause.message] = getSystemErrorMap().get(errno) ?? [];
  return new UdpchatError("INTERNAL", `cannot write to standard output: ${reason}`, {
    cause,
    remedy: "make room there, or write somewhere else",
  });
}
