/** Scripts that are written without spaces between words: a name may stand anywhere. */
const WITHOUT_SPACES =
  /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}]/u;
/** Shorter names are words of some language: they are meant where `@` stands before them. */
const MIN_BARE_CHARACTERS = 3;

/** Whether a text names somebody, in any case and width, as a word of its own. */
export class Mentions {
  readonly #pattern: RegExp | undefined;

  constructor(name: string) {
    const folded = fold(name).trim();
    if (folded === "") return;
    const escaped = folded.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
    if (WITHOUT_SPACES.test(folded)) {
      this.#pattern = new RegExp(escaped, "u");
      return;
    }
    const before =
      Array.from(folded).length < MIN_BARE_CHARACTERS ? "(?<=@)" : "(?<![\\p{L}\\p{N}_])";
    this.#pattern = new RegExp(`${before}${escaped}(?![\\p{L}\\p{N}_])`, "u");
  }

  areIn(text: string): boolean {
    return this.#pattern?.test(fold(text)) ?? false;
  }
}

function fold(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}
