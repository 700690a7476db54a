import { EXIT } from "./exitCodes.js";
import type { CliIo } from "./io.js";

/** Asks the running command to end: on Ctrl-C and its like, or because nobody reads any more. */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #forceExit: (code: number) => void;
  readonly #removeListener: () => void;
  #interrupted = false;

  constructor(io: CliIo) {
    this.#forceExit = io.forceExit;
    this.#removeListener = io.onSignal(() => this.interrupt());
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The user asked for the end. */
  get interrupted(): boolean {
    return this.#interrupted;
  }

  /** The first asks the command to end, and it says goodbye; the second ends it at once. */
  interrupt(): void {
    if (this.#interrupted) this.#forceExit(EXIT.interrupted);
    this.#interrupted = true;
    this.#controller.abort();
  }

  /** Ends the command for another reason. */
  end(reason: Error): void {
    this.#controller.abort(reason);
  }

  dispose(): void {
    this.#removeListener();
  }
}
