import { type Cell, cellsOf } from "./cells.js";

/** What of a prompt and its draft is to be seen, in rows that fit, and where the cursor stands. */
export interface DraftLayout {
  /** At least one. None is wider than the terminal. */
  readonly rows: readonly string[];
  readonly cursorRow: number;
  readonly cursorColumn: number;
  /** Of each row. */
  readonly rowColumns: readonly number[];
}

/** In front of further lines of a draft, so that they can't be taken for a prompt. */
const FURTHER = "  ";

/** Lays a draft out; of one with more than `maxRows` those around the cursor. */
export function layOutDraft(
  { prompt, cells, at }: { prompt: string; cells: readonly Cell[]; at: number },
  { columns, maxRows }: { columns: number; maxRows: number },
): DraftLayout {
  const page = new Page(columns);
  for (const cell of cellsOf(prompt)) page.put(cell);
  for (const [index, cell] of cells.entries()) {
    if (index === at) page.markCursor(cell);
    if (cell.isNewline) page.breakLine();
    else page.put(cell);
  }
  if (at >= cells.length) page.markCursor();
  return page.window(maxRows);
}

class Page {
  readonly #columns: number;
  readonly #rows: { text: string; columns: number }[] = [{ text: "", columns: 0 }];
  #cursorRow = 0;
  #cursorColumn = 0;

  constructor(columns: number) {
    this.#columns = Math.max(2, columns);
  }

  put({ shown, columns }: Cell): void {
    const row = this.#rowFor(columns);
    row.text += shown;
    // What is wider than the terminal has the rest of its row.
    row.columns = Math.min(this.#columns, row.columns + columns);
  }

  breakLine(): void {
    this.#rows.push({ text: "", columns: 0 });
    for (const cell of cellsOf(FURTHER)) this.put(cell);
  }

  /** Where the cell will be that comes next; behind the last one there is always room for it. */
  markCursor(next: Pick<Cell, "columns"> = { columns: 1 }): void {
    const row = this.#rowFor(next.columns);
    this.#cursorRow = this.#rows.length - 1;
    this.#cursorColumn = row.columns;
  }

  window(maxRows: number): DraftLayout {
    const height = Math.max(1, maxRows);
    const first = Math.max(
      0,
      Math.min(this.#cursorRow - Math.floor(height / 2), this.#rows.length - height),
    );
    const rows = this.#rows.slice(first, first + height);
    return {
      rows: rows.map(({ text }) => text),
      rowColumns: rows.map(({ columns }) => columns),
      cursorRow: this.#cursorRow - first,
      cursorColumn: this.#cursorColumn,
    };
  }

  /** The last row, or a new one if so much does not fit. */
  #rowFor(columns: number): { text: string; columns: number } {
    const last = this.#rows.at(-1);
    if (last !== undefined && last.columns + columns <= this.#columns) return last;
    const row = { text: "", columns: 0 };
    this.#rows.push(row);
    return row;
  }
}
