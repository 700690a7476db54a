import { type Cell, cellsOf } from "./cells.js";

/** What a message can hold. */
export const MAX_DRAFT_BYTES = 65_536;

/** The text that is being typed, and where. Its cursor moves by what a reader takes for characters. */
export class Draft {
  /** Bounded by `MAX_DRAFT_BYTES`. */
  #cells: Cell[] = [];
  #at = 0;
  #sizeBytes = 0;
  /** What was cut last, to be put in again. */
  #cut = "";

  get text(): string {
    return textOf(this.#cells);
  }

  get isEmpty(): boolean {
    return this.#cells.length === 0;
  }

  get cells(): readonly Cell[] {
    return this.#cells;
  }

  /** Cells before the cursor. */
  get at(): number {
    return this.#at;
  }

  /** All before the cursor. */
  get before(): string {
    return textOf(this.#cells.slice(0, this.#at));
  }

  /** At the cursor. False, and nothing is changed, if it becomes too long. */
  insert(text: string): boolean {
    const addedBytes = Buffer.byteLength(text);
    if (this.#sizeBytes + addedBytes > MAX_DRAFT_BYTES) return false;
    this.#sizeBytes += addedBytes;
    // What comes may join with what is there: an accent, the second half of a flag.
    const start = Math.max(0, this.#at - 1);
    const head = textOf(this.#cells.slice(start, this.#at)) + text;
    const tail = textOf(this.#cells.slice(this.#at, this.#at + 1));
    const joined = cellsOf(head + tail);
    this.#cells = this.#cells.toSpliced(start, this.#at - start + (tail === "" ? 0 : 1), ...joined);
    this.#at = start + cellsThatHold(head, joined);
    return true;
  }

  /** All of it; the cursor is at its end. */
  replace(text: string): void {
    this.#cells = cellsOf(text);
    this.#at = this.#cells.length;
    this.#sizeBytes = Buffer.byteLength(text);
  }

  clear(): void {
    this.replace("");
  }

  /** The last `characters` (UTF-16) before the cursor become this text. */
  replaceBefore(characters: number, text: string): void {
    const head = this.before;
    const tail = textOf(this.#cells.slice(this.#at));
    this.replace(head.slice(0, head.length - characters) + text);
    const at = this.#cells.length;
    this.#cells.push(...cellsOf(tail));
    this.#sizeBytes += Buffer.byteLength(tail);
    this.#at = at;
  }

  left(): void {
    this.#at = Math.max(0, this.#at - 1);
  }

  right(): void {
    this.#at = Math.min(this.#cells.length, this.#at + 1);
  }

  wordLeft(): void {
    this.#at = this.#wordStart();
  }

  wordRight(): void {
    this.#at = this.#wordEnd();
  }

  lineStart(): void {
    while (this.#at > 0 && !this.#isNewline(this.#at - 1)) this.#at -= 1;
  }

  lineEnd(): void {
    while (this.#at < this.#cells.length && !this.#isNewline(this.#at)) this.#at += 1;
  }

  /** To the line before, as far to the right as it goes. False if there is none. */
  lineUp(): boolean {
    const from = this.#at;
    this.lineStart();
    if (this.#at === 0) {
      this.#at = from;
      return false;
    }
    const offset = from - this.#at;
    this.#at -= 1;
    this.lineStart();
    this.#advanceInLine(offset);
    return true;
  }

  /** To the line after. False if there is none. */
  lineDown(): boolean {
    const from = this.#at;
    this.lineStart();
    const offset = from - this.#at;
    this.lineEnd();
    if (this.#at === this.#cells.length) {
      this.#at = from;
      return false;
    }
    this.#at += 1;
    this.#advanceInLine(offset);
    return true;
  }

  deleteLeft(): void {
    this.#remove(Math.max(0, this.#at - 1), this.#at);
  }

  deleteRight(): void {
    this.#remove(this.#at, Math.min(this.#cells.length, this.#at + 1));
  }

  cutWordLeft(): void {
    this.#cutOut(this.#wordStart(), this.#at);
  }

  cutWordRight(): void {
    this.#cutOut(this.#at, this.#wordEnd());
  }

  cutToLineStart(): void {
    const end = this.#at;
    this.lineStart();
    this.#cutOut(this.#at, end);
  }

  cutToLineEnd(): void {
    const start = this.#at;
    this.lineEnd();
    this.#cutOut(start, this.#at);
  }

  /** What was cut last. False as `insert`. */
  putBack(): boolean {
    return this.insert(this.#cut);
  }

  #cutOut(start: number, end: number): void {
    if (start < end) this.#cut = textOf(this.#cells.slice(start, end));
    this.#remove(start, end);
  }

  #remove(start: number, end: number): void {
    const removed = textOf(this.#cells.slice(start, end));
    this.#sizeBytes -= Buffer.byteLength(removed);
    this.#cells = this.#cells.toSpliced(start, end - start);
    this.#at = start;
  }

  #wordStart(): number {
    let at = this.#at;
    while (at > 0 && this.#isBlank(at - 1)) at -= 1;
    while (at > 0 && !this.#isBlank(at - 1)) at -= 1;
    return at;
  }

  #wordEnd(): number {
    let at = this.#at;
    while (at < this.#cells.length && this.#isBlank(at)) at += 1;
    while (at < this.#cells.length && !this.#isBlank(at)) at += 1;
    return at;
  }

  #advanceInLine(cells: number): void {
    for (let left = cells; left > 0 && this.#at < this.#cells.length; left -= 1) {
      if (this.#isNewline(this.#at)) return;
      this.#at += 1;
    }
  }

  #isNewline(at: number): boolean {
    return this.#cells[at]?.isNewline ?? false;
  }

  #isBlank(at: number): boolean {
    return this.#cells[at]?.text.trim() === "";
  }
}

function textOf(cells: readonly Cell[]): string {
  return cells.map(({ text }) => text).join("");
}

/** How many of the first cells have all of this text. */
function cellsThatHold(text: string, cells: readonly Cell[]): number {
  let length = 0;
  let count = 0;
  while (length < text.length && count < cells.length) {
    length += cells[count]?.text.length ?? 0;
    count += 1;
  }
  return count;
}
