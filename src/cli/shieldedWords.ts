/**
 * yargs changes some words that a user may well mean: a lone `-` becomes empty, outer quotes are
 * stripped, and words behind `--` are not counted as positionals. Such words pass through it as
 * placeholders and get their own value back afterwards.
 */
export class ShieldedWords {
  /** For yargs. */
  readonly argv: readonly string[];
  /** Bounded by the command line. */
  readonly #words: string[] = [];

  constructor(argv: readonly string[]) {
    const end = argv.indexOf("--");
    const before = end === -1 ? argv : argv.slice(0, end);
    const behind = end === -1 ? [] : argv.slice(end + 1);
    this.argv = [
      // A last word `help` is --help to yargs: behind the command and its first word it is a text.
      ...before.map((word, at) =>
        word === "help" && at > 1 ? this.#shield(word) : this.#shieldIfFragile(word),
      ),
      ...behind.map((word) => this.#shield(word)),
    ];
  }

  /** The word that was typed, for each placeholder in a value that yargs parsed. */
  restore(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.restore(item));
    if (typeof value !== "string") return value;
    const [, index] = PLACEHOLDER.exec(value) ?? [];
    return index === undefined ? value : (this.#words[Number(index)] ?? value);
  }

  /** The same in a sentence. */
  restoreIn(sentence: string): string {
    return sentence.replace(PLACEHOLDERS, (_, index: string) => this.#words[Number(index)] ?? "");
  }

  #shieldIfFragile(word: string): string {
    if (FRAGILE.test(word)) return this.#shield(word);
    const [, option, value] = OPTION_WITH_VALUE.exec(word) ?? [];
    if (option === undefined || value === undefined || !FRAGILE.test(value)) return word;
    return `${option}=${this.#shield(value)}`;
  }

  #shield(word: string): string {
    return `\uE000${this.#words.push(word) - 1}\uE000`;
  }
}

const PLACEHOLDERS = /\uE000(\d+)\uE000/g;
const PLACEHOLDER = /^\uE000(\d+)\uE000$/;
/** Also what looks like a placeholder. */
const FRAGILE = /^(?:-|(["']).*\1|\uE000.*)$/s;
const OPTION_WITH_VALUE = /^(--[a-z-]+)=(.*)$/s;
