import stringWidth from "fast-string-width";
import type { ScreenTerminal } from "../../src/cli/chat/screen.js";

/**
 * A terminal in memory: it knows what a chat makes use of (CSI A, G, H, J, SGR and automatic wrap;
 * ECMA-48), and fails on anything else.
 */
export class FakeTerminal implements ScreenTerminal {
  columns: number;
  rows: number;
  /** How often something was written. */
  writes = 0;
  /** From the top of the scrollback; a wide character is followed by an empty cell. */
  #lines: string[][] = [[]];
  /** First line on the screen. */
  #top = 0;
  #row = 0;
  #column = 0;
  #wraps = true;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  /** Everything, what has scrolled away as well, without blanks at the ends of its rows. */
  get text(): string {
    const lines = this.#lines.map((line) => Array.from(line, (cell) => cell ?? " ").join(""));
    return lines.map((line) => line.trimEnd()).join("\n");
  }

  /** The row, from the top of the scrollback, and the column. */
  get cursor(): [row: number, column: number] {
    return [this.#row, this.#column];
  }

  readonly write = (text: string): void => {
    this.writes += 1;
    // oxlint-disable-next-line no-control-regex -- that is what it reads
    for (const [token] of text.matchAll(/\u001b\[[?\d;]*[A-Za-z]|[\s\S]/gu)) this.#take(token);
  };

  #take(token: string): void {
    if (token === "\n") return this.#newline();
    if (token === "\r") return void (this.#column = 0);
    // oxlint-disable-next-line no-control-regex -- that is what it reads
    const [, argument, command] = /^\u001b\[([?\d;]*)([A-Za-z])$/.exec(token) ?? [];
    if (command !== undefined) return this.#control(argument ?? "", command);
    this.#put(token);
  }

  #control(argument: string, command: string): void {
    const number = Number(argument === "" ? 1 : argument);
    if (command === "A") this.#row = Math.max(this.#top, this.#row - number);
    else if (command === "G") this.#column = number - 1;
    else if (command === "J" && argument === "") this.#clearBelow();
    else if (argument === "?7" || command === "m")
      this.#wraps = command === "m" ? this.#wraps : command === "h";
    else throw new Error(`unknown: CSI ${argument}${command}`);
  }

  #newline(): void {
    this.#column = 0;
    this.#row += 1;
    if (this.#row === this.#lines.length) this.#lines.push([]);
    this.#top = Math.max(this.#top, this.#row - this.rows + 1);
  }

  #clearBelow(): void {
    this.#lines.length = this.#row + 1;
    this.#lines[this.#row]?.splice(this.#column);
  }

  #put(character: string): void {
    const width = stringWidth(character);
    if (this.#column + width > this.columns) {
      if (this.#wraps) this.#newline();
      else this.#column = this.columns - width;
    }
    const line = this.#lines[this.#row] ?? [];
    line[this.#column] = character;
    if (width === 2) line[this.#column + 1] = "";
    this.#column += width;
  }
}
