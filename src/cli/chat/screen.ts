import { rowsOf } from "./cells.js";
import type { DraftLayout } from "./draftLayout.js";

/** Where text goes: a terminal, or in tests something that behaves as one. */
export interface ScreenTerminal {
  readonly columns: number;
  readonly rows: number;
  readonly write: (text: string) => void;
}

/** A line above the prompt; its text may have several. */
export interface Entry {
  /** Asked for when it is written, and again when it has changed. Without a newline at its end. */
  readonly text: () => string;
  /** It is on the screen. */
  readonly shown?: () => void;
  /**
   * Of others: it waits for the next frame, and where too many come it is passed over. Our own
   * lines are written at once.
   */
  readonly ofOthers?: boolean;
}

export interface ScreenParts {
  readonly terminal: ScreenTerminal;
  /** The prompt and its draft as they are now, for at most so many rows. */
  readonly layOut: (columns: number, maxRows: number) => DraftLayout;
  /** Of so many entries that were passed over. */
  readonly passedOverText: (count: number) => string;
}

/** What comes within this time is written at once, so that typing stays quick. */
const FRAME_MS = 40;
/** After more came than anybody can read. */
const FLOOD_FRAME_MS = 1000;
/** Of others, that wait for a frame. */
const MAX_WAITING = 100;
/** Of which it is known where they stand: more than the rows of any terminal. */
const MAX_STANDING = 300;

const CLEAR_BELOW = "\u001b[J";
/** The prompt is wrapped by us: whatever the terminal thinks of a character, a row stays a row. */
const WRAP_OFF = "\u001b[?7l";
const WRAP_ON = "\u001b[?7h";
const up = (rows: number): string => (rows > 0 ? `\u001b[${rows}A` : "");
const toColumn = (column: number): string => `\u001b[${column + 1}G`;

/** An entry that was written, and the rows that it takes. */
interface Standing {
  readonly entry: Entry;
  readonly rows: number;
}

/**
 * Lines that scroll away above, and the prompt below them. Everything that is written takes the
 * prompt away and draws it again behind, in one write: nothing tears it, and nothing typed is lost.
 */
export class Screen {
  readonly #parts: ScreenParts;
  /** At most `MAX_WAITING` of others, and what we said within one turn. */
  #waiting: Entry[] = [];
  #passedOver = 0;
  #frame: NodeJS.Timeout | undefined;
  /** When frames may follow one another as quickly as ever: not after a flood. */
  #isFlooded = false;
  /** The last that were written, nothing of others' writing between them; at most `MAX_STANDING`. */
  #standing: Standing[] = [];
  /** The prompt as it was drawn; undefined while there is none. */
  #drawn: DraftLayout | undefined;
  #isOpen = false;

  constructor(parts: ScreenParts) {
    this.#parts = parts;
  }

  /** From now on there is a prompt. */
  open(): void {
    this.#isOpen = true;
    this.#write("");
  }

  /** Writes what waits, and takes the prompt away. */
  close(): void {
    this.#isOpen = false;
    this.#paint();
  }

  print(entry: Entry): void {
    this.#waiting.push(entry);
    if (entry.ofOthers !== true) {
      this.#paint();
      return;
    }
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift();
      this.#passedOver += 1;
    }
    this.#frame ??= setTimeout(() => this.#paint(), this.#isFlooded ? FLOOD_FRAME_MS : FRAME_MS);
  }

  /** The text of an entry is another one now: false if it cannot be written over any more. */
  changed(entry: Entry): boolean {
    if (this.#waiting.includes(entry)) return true;
    const index = this.#standing.findIndex((standing) => standing.entry === entry);
    if (index === -1) return false;
    const from = this.#standing.slice(index);
    const rows = from.reduce((sum, standing) => sum + standing.rows, 0);
    if (rows + (this.#drawn?.rows.length ?? 0) > this.#parts.terminal.rows) return false;
    this.#standing.length = index;
    this.#write(this.#textOf(from.map((standing) => standing.entry)), rows);
    return true;
  }

  /** The draft is another one now. */
  redraw(): void {
    if (this.#isOpen) this.#write("");
  }

  /** The terminal has another size: where things stand on it is not known. */
  resized(): void {
    this.#standing = [];
    const { columns } = this.#parts.terminal;
    if (this.#drawn !== undefined) this.#drawn = rewrapped(this.#drawn, columns);
    this.redraw();
  }

  /** Others wrote to the terminal, as after Ctrl-Z: the cursor stands at the start of a row. */
  resumed(): void {
    this.#standing = [];
    this.#drawn = undefined;
    this.redraw();
  }

  /** Everything away, but for the prompt. */
  wipe(): void {
    this.#standing = [];
    this.#drawn = undefined;
    this.#parts.terminal.write("\u001b[H\u001b[2J");
    this.redraw();
  }

  /** Takes the prompt away until `resumed`. */
  leavePrompt(): void {
    this.#parts.terminal.write(this.#erasure(0));
    this.#drawn = undefined;
  }

  #paint(): void {
    clearTimeout(this.#frame);
    this.#frame = undefined;
    const entries = this.#waiting;
    this.#waiting = [];
    this.#isFlooded = this.#passedOver > 0;
    if (this.#passedOver > 0) {
      const text = this.#parts.passedOverText(this.#passedOver);
      entries.unshift({ text: () => text });
      this.#passedOver = 0;
    }
    this.#write(this.#textOf(entries));
    for (const entry of entries) entry.shown?.();
  }

  /** Of these, which stand on the screen from now on. */
  #textOf(entries: readonly Entry[]): string {
    const { columns } = this.#parts.terminal;
    let whole = "";
    for (const entry of entries) {
      const text = entry.text();
      whole += `${text}\n`;
      this.#standing.push({ entry, rows: rowsOf(text, columns) });
    }
    this.#standing = this.#standing.slice(-MAX_STANDING);
    return whole;
  }

  /** Text in the place of the prompt and of so many rows above it, and the prompt below. */
  #write(text: string, rowsAbove = 0): void {
    const { layOut, terminal } = this.#parts;
    const erasure = this.#erasure(rowsAbove);
    this.#drawn = this.#isOpen ? layOut(terminal.columns, promptRows(terminal.rows)) : undefined;
    const prompt = this.#drawn === undefined ? "" : drawing(this.#drawn);
    if (erasure + text + prompt !== "") terminal.write(erasure + text + prompt);
  }

  #erasure(rowsAbove: number): string {
    if (this.#drawn === undefined) return "";
    return `\r${up(this.#drawn.cursorRow + rowsAbove)}${CLEAR_BELOW}`;
  }
}

/** Something of what was said must be seen beside a long draft. */
function promptRows(rows: number): number {
  return Math.max(1, Math.floor(rows / 2));
}

function drawing({ cursorColumn, cursorRow, rows }: DraftLayout): string {
  const text = `${WRAP_OFF}${rows.join("\r\n")}${WRAP_ON}`;
  return `${text}\r${up(rows.length - 1 - cursorRow)}${toColumn(cursorColumn)}`;
}

/** Where terminals put what was drawn for another width: rows that are too long now become several. */
function rewrapped(drawn: DraftLayout, columns: number): DraftLayout {
  const rowsFor = (used: number): number => Math.max(1, Math.ceil(used / columns));
  const above = drawn.rowColumns
    .slice(0, drawn.cursorRow)
    .reduce((sum, used) => sum + rowsFor(used), 0);
  return {
    ...drawn,
    cursorRow: above + Math.floor(drawn.cursorColumn / columns),
    cursorColumn: drawn.cursorColumn % columns,
  };
}
