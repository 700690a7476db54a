/**
 * A command line as bash hands it to a completion function, and what is put into it. bash replaces
 * the text from the last of its break characters on (`COMP_WORDBREAKS`), or from an open quote on,
 * by what it gets, as it is: so all that its grammar could mean by a name is quoted here
 * (POSIX.1-2024, Shell Command Language 2.2).
 */

/** The words up to the cursor. */
export interface BashLine {
  /** Before the word at the cursor, without their quotes; the command's own name goes first. */
  readonly words: readonly string[];
  /** At the cursor, without its quotes. */
  readonly current: string;
  /** The part of `current` that bash leaves as it is. */
  readonly kept: string;
  /** The quote that is open at the cursor. */
  readonly quote: "" | "'" | '"';
  /** The word says where input comes from or output goes. */
  readonly isRedirection: boolean;
}

/** @param breaks characters of `COMP_WORDBREAKS` */
export function readBashLine(line: string, breaks: string): BashLine {
  let words: string[] = [];
  let word: string | undefined;
  let kept = "";
  let quote: BashLine["quote"] = "";
  let isRedirection = false;
  const end = (): void => {
    if (word !== undefined && !isRedirection) words.push(word);
    if (word !== undefined) isRedirection = false;
    word = undefined;
    kept = "";
  };
  const characters = line[Symbol.iterator]();
  for (const character of characters) {
    if (quote === "'" && character !== "'") {
      word = `${word}${character}`;
    } else if (quote === '"' && character !== '"') {
      word = `${word}${character === "\\" ? escapedInQuotes(characters.next().value) : character}`;
    } else if (quote !== "") {
      quote = "";
      if (breaks.includes(character)) kept = word ?? "";
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
      kept = word;
    } else if (character === "\\") {
      word = `${word ?? ""}${characters.next().value ?? ""}`;
    } else if (/\s/.test(character)) {
      end();
    } else if (/[;|&()]/.test(character)) {
      end();
      words = [];
    } else if (character === "<" || character === ">") {
      end();
      isRedirection = true;
    } else {
      word = `${word ?? ""}${character}`;
      if (breaks.includes(character)) kept = word;
    }
  }
  // `HOME=/tmp udpchat send`.
  const start = words.findIndex((one) => !/^\w+=/.test(one));
  return {
    words: start === -1 ? [] : words.slice(start),
    current: word ?? "",
    kept,
    quote,
    isRedirection,
  };
}

/** In double quotes the backslash stays before all but these (2.2.3). */
function escapedInQuotes(character: string | undefined): string {
  return character !== undefined && /[$`"\\\n]/.test(character)
    ? character
    : `\\${character ?? ""}`;
}

/** What bash puts in place of the word at the cursor; undefined if the value is not its end. */
export function bashInsertion(
  value: string,
  { current, kept, quote }: BashLine,
): string | undefined {
  if (!value.startsWith(current)) return undefined;
  const rest = value.slice(kept.length);
  switch (quote) {
    case "'":
      return rest.replaceAll("'", "'\\''");
    case '"':
      // An interactive bash takes `!` for its history, within quotes as well.
      return rest.replace(/[$`"\\]/g, "\\$&").replaceAll("!", '"\\!"');
    case "":
      return rest.replace(kept === "" ? UNSAFE : UNSAFE_WITHIN, "\\$&");
  }
}

/** Letters and digits of any script are safe, and little else. */
const UNSAFE_WITHIN = /[^\p{L}\p{M}\p{N}\p{Extended_Pictographic}\w./:=@%+,~#-]/gu;
/** These mean something at the beginning of a word. */
const UNSAFE = new RegExp(`^[~#]|${UNSAFE_WITHIN.source}`, "gu");
