import { emitKeypressEvents, type Key } from "node:readline";
import type { CliIo } from "../io.js";
import type { ScreenTerminal } from "./screen.js";

/** What comes from a terminal. */
export interface TerminalEvents {
  /** `text`: what the key writes, if it does. */
  readonly onKey: (text: string | undefined, key: Key) => void;
  readonly onResize: () => void;
  /** The process goes on after Ctrl-Z and the like: others wrote to the terminal meanwhile. */
  readonly onContinue: () => void;
  /** Nobody types any more. */
  readonly onEnd: () => void;
}

/** What is pasted comes between two keys of its own, and not as if it were typed. */
const PASTE_IN_BRACKETS = "\u001b[?2004h";
const PASTE_AS_KEYS = "\u001b[?2004l";

/** A terminal whose keys come one by one, until it is closed or the process ends. */
export class Terminal implements ScreenTerminal {
  readonly #io: CliIo;
  readonly #events: TerminalEvents;
  /** Undefined: it is not ours. */
  #release: (() => void) | undefined;

  constructor(io: CliIo, events: TerminalEvents) {
    this.#io = io;
    this.#events = events;
  }

  get columns(): number {
    return this.#io.terminal.size().columns;
  }

  get rows(): number {
    return this.#io.terminal.size().rows;
  }

  write(text: string): void {
    this.#io.stdout.write(text);
  }

  open(): void {
    const { stdin, terminal } = this.#io;
    const { onEnd, onKey, onResize } = this.#events;
    emitKeypressEvents(stdin);
    stdin.on("keypress", onKey);
    stdin.on("end", onEnd);
    // The terminal is gone.
    stdin.on("error", onEnd);
    const releases = [
      terminal.onResize(onResize),
      terminal.onContinue(() => this.#continue()),
      // Node gives the terminal its mode back, but does not know of this.
      terminal.onExit(() => this.write(PASTE_AS_KEYS)),
      () => stdin.off("keypress", onKey),
      () => stdin.off("end", onEnd),
      () => stdin.off("error", onEnd),
    ];
    this.#release = () => {
      for (const release of releases) release();
    };
    this.#take();
    stdin.resume();
  }

  close(): void {
    if (this.#release === undefined) return;
    this.#giveBack();
    this.#io.stdin.pause();
    this.#release();
    this.#release = undefined;
  }

  /** The process stops, as it would if the terminal had seen Ctrl-Z itself. */
  suspend(): void {
    this.#giveBack();
    this.#io.terminal.suspend();
  }

  #continue(): void {
    // Whatever mode it is in: only a change reaches the terminal.
    this.#io.terminal.setRawMode(false);
    this.#take();
    this.#events.onContinue();
  }

  #take(): void {
    this.#io.terminal.setRawMode(true);
    this.write(PASTE_IN_BRACKETS);
  }

  #giveBack(): void {
    this.write(PASTE_AS_KEYS);
    this.#io.terminal.setRawMode(false);
  }
}
