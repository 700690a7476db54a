/** Text as a terminal shows it: what the cursor passes over at once, and how wide that is. */
import stringWidth from "fast-string-width";
import { sanitiseText } from "../../sanitise.js";

/** What a reader takes for one character (UAX #29): an emoji of several code points is one. */
export interface Cell {
  readonly text: string;
  /** What the terminal is given: nothing in it moves the cursor but by its columns. */
  readonly shown: string;
  /** 0 to some; 2 for most of CJK and emoji (UAX #11). */
  readonly columns: number;
  /** Nothing is shown of it but that what follows is in the next row. */
  readonly isNewline: boolean;
}

const TAB = "    ";
const SEGMENTER = new Intl.Segmenter();
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

export function cellsOf(text: string): Cell[] {
  if (PRINTABLE_ASCII.test(text)) {
    return text
      .split("")
      .map((character) => ({ text: character, shown: character, columns: 1, isNewline: false }));
  }
  return Array.from(SEGMENTER.segment(text), ({ segment }) => cellOf(segment));
}

function cellOf(text: string): Cell {
  if (text === "\n" || text === "\r\n") return { text, shown: "", columns: 0, isNewline: true };
  const shown = text === "\t" ? TAB : sanitiseText(text);
  return { text, shown, columns: stringWidth(shown), isNewline: false };
}

/**
 * Cells whose width terminals agree about: one code point, which is neither a mark that combines nor
 * an emoji in some fonts alone.
 */
const CERTAIN = new RegExp(
  "^(?:[\\x20-\\x7e\\u00a1-\\u02ff\\u0370-\\u03ff\\u0400-\\u052f\\u2010-\\u2027\\u2030-\\u205e\\u20a0-\\u20bf]|" +
    "[\\u2400-\\u2421\\u3001-\\u3029\\u3031-\\u3096\\u309b-\\u30ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uac00-\\ud7a3\\uff01-\\uff5e]|" +
    "(?!\\p{Regional_Indicator})\\p{Emoji_Presentation})$",
  "u",
);
/** Our own emphasis, of which nothing is seen but that. */
// oxlint-disable-next-line no-control-regex -- that is what is looked for
const EMPHASIS = /\u001b\[[\d;]*m/g;

/**
 * Rows that a text of several lines takes where the terminal wraps it; infinitely many if that
 * cannot be known, as terminals differ.
 */
export function rowsOf(text: string, columns: number): number {
  let rows = 0;
  for (const line of text.replace(EMPHASIS, "").split("\n")) {
    rows += 1;
    let used = 0;
    for (const cell of cellsOf(line)) {
      if (!CERTAIN.test(cell.text)) return Number.POSITIVE_INFINITY;
      if (used + cell.columns > columns) {
        rows += 1;
        used = 0;
      }
      used += cell.columns;
    }
  }
  return rows;
}
