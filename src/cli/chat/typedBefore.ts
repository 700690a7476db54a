/** As many as anybody scrolls back through. */
const MAX_TEXTS = 500;

/** What was typed before, for the arrow keys; the draft that was left for it comes back at its end. */
export class TypedBefore {
  /** The oldest first. At most `MAX_TEXTS`. */
  #texts: string[];
  /** Where we are in it; at its end is the draft. */
  #at: number;
  #draft = "";

  constructor(texts: readonly string[] = []) {
    this.#texts = withoutRepeats(texts).slice(-MAX_TEXTS);
    this.#at = this.#texts.length;
  }

  add(text: string): void {
    if (text.trim() !== "") {
      this.#texts = withoutRepeats([...this.#texts, text]).slice(-MAX_TEXTS);
    }
    this.#at = this.#texts.length;
    this.#draft = "";
  }

  /** These were said before all others: told by the history when it is read. */
  addOlder(texts: readonly string[]): void {
    const fromEnd = this.#texts.length - this.#at;
    this.#texts = withoutRepeats([...texts, ...this.#texts]).slice(-MAX_TEXTS);
    this.#at = Math.max(0, this.#texts.length - fromEnd);
  }

  /** Undefined if there is none. */
  older(shown: string): string | undefined {
    if (this.#at === 0) return undefined;
    if (this.#at === this.#texts.length) this.#draft = shown;
    this.#at -= 1;
    return this.#texts[this.#at];
  }

  /** Undefined if there is none. */
  newer(): string | undefined {
    if (this.#at >= this.#texts.length) return undefined;
    this.#at += 1;
    return this.#texts[this.#at] ?? this.#draft;
  }
}

/** The same again, one after the other, is one. */
function withoutRepeats(texts: readonly string[]): string[] {
  return texts.filter((text, index) => text !== texts[index - 1]);
}
