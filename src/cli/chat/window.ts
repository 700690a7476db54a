import type { Key } from "node:readline";
import type { CommandContext } from "../context.js";
import { type Complete, type Pressed, Prompt } from "./prompt.js";
import { type Entry, Screen } from "./screen.js";
import { Terminal } from "./terminal.js";

/** Whether somebody types on a terminal that can be drawn on; lines of a program come otherwise. */
export function canBeDrawnOn({ io, printer }: CommandContext): boolean {
  const { env, isTTY } = io;
  return isTTY.stdin && isTTY.stdout && !printer.forScripts && env["TERM"] !== "dumb";
}

export interface ChatWindowOptions {
  /** In front of what is typed; of ours. */
  readonly label: string;
  readonly complete: Complete;
  /** Of so many lines that there was no time to show. */
  readonly passedOverText: (count: number) => string;
}

/** A terminal in which others' lines come in above while a line is typed below. */
export class ChatWindow {
  readonly #context: CommandContext;
  readonly #terminal: Terminal;
  readonly #screen: Screen;
  readonly #prompt: Prompt;
  /** Said and not taken yet; whoever types is slower than we are. */
  readonly #said: string[] = [];
  #wake: () => void = () => undefined;
  #hasLeft = false;
  #redraw: NodeJS.Immediate | undefined;

  constructor(context: CommandContext, { complete, label, passedOverText }: ChatWindowOptions) {
    this.#context = context;
    this.#prompt = new Prompt(label, complete);
    this.#terminal = new Terminal(context.io, {
      onKey: (text, key) => this.#press(text, key),
      onResize: () => this.#screen.resized(),
      onContinue: () => this.#screen.resumed(),
      onEnd: () => this.#leave(),
    });
    this.#screen = new Screen({
      terminal: this.#terminal,
      layOut: (columns, maxRows) => this.#prompt.layOut(columns, maxRows),
      passedOverText,
    });
  }

  /** From now on there is a prompt, and whatever is printed comes above it. */
  open(): void {
    const { io, stderr, stdout } = this.#context;
    const print = (text: string): void => this.print({ text: () => text.replace(/\n$/, "") });
    stdout.divert(print);
    if (io.isTTY.stderr) stderr.divert(print);
    this.#terminal.open();
    this.#screen.open();
  }

  /** The terminal is as it was before. */
  close(): void {
    const { stderr, stdout } = this.#context;
    clearImmediate(this.#redraw);
    this.#screen.close();
    this.#terminal.close();
    stdout.divert(undefined);
    stderr.divert(undefined);
  }

  print(entry: Entry): void {
    this.#screen.print(entry);
  }

  /** The text of an entry is another one now: false if it cannot be written over any more. */
  changed(entry: Entry): boolean {
    return this.#screen.changed(entry);
  }

  /** The bell of the terminal, which may be heard or seen. */
  ring(): void {
    this.#terminal.write("\u0007");
  }

  /** What was said here before we came, the oldest first: the arrow keys fetch it. */
  remember(texts: readonly string[]): void {
    this.#prompt.before.addOlder(texts);
  }

  /** What is typed, until its author leaves, or the signal. */
  async *texts(signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    const wake = (): void => this.#wake();
    signal.addEventListener("abort", wake, { once: true });
    try {
      while (!signal.aborted) {
        const text = this.#said.shift();
        if (text !== undefined) yield text;
        else if (this.#hasLeft) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  #press(text: string | undefined, key: Key): void {
    this.#do(this.#prompt.press(text, key));
    this.#drawSoon();
  }

  #do(pressed: Pressed): void {
    switch (pressed.kind) {
      case "said":
        this.#said.push(pressed.text);
        this.#wake();
        break;
      case "leave":
        this.#leave();
        break;
      case "interrupt":
        this.#context.interruption.interrupt();
        break;
      case "suspend":
        this.#screen.leavePrompt();
        this.#terminal.suspend();
        break;
      case "wipe":
        this.#screen.wipe();
        break;
      case "candidates":
        this.print({ text: () => pressed.candidates.join("  ") });
        break;
      case "refused":
        this.print({ text: () => `udpchat: ${pressed.message}` });
        break;
      case "nothing":
        break;
    }
  }

  #leave(): void {
    this.#hasLeft = true;
    this.#wake();
  }

  /** Once for all keys that come at once. */
  #drawSoon(): void {
    this.#redraw ??= setImmediate(() => {
      this.#redraw = undefined;
      this.#screen.redraw();
    });
  }
}
