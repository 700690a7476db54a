import type { Command } from "../command.js";
import { GLOBAL_OPTIONS } from "../globalOptions.js";
import { optionName, type Spec, type Specs } from "../options.js";

/** What may stand where the cursor is. */
export type Wanted =
  | { readonly kind: "nothing" }
  | { readonly kind: "command" }
  /** Options that are not given yet, by their keys. */
  | { readonly kind: "option"; readonly specs: Specs }
  | {
      readonly kind: "value";
      readonly spec: Spec;
      /** `--peer=`, where the value stands in the same word. */
      readonly before: string;
    };

const NOTHING: Wanted = { kind: "nothing" };

/** What may follow these words of a command line, the program's own name not among them. */
export function wantedAfter(
  words: readonly string[],
  current: string,
  commands: readonly Command[],
): Wanted {
  const reading = new Reading(commands);
  for (const word of words) reading.take(word);
  return reading.wanted(current);
}

/** A command line as far as it is typed. */
class Reading {
  readonly #commands: readonly Command[];
  #command: Command | undefined;
  /** A first word that is no command: nobody knows what follows. */
  #isUnknown = false;
  /** The option whose value comes next. */
  #valueOf: Spec | undefined;
  /** Keys; bounded by the options that there are. */
  readonly #given = new Set<string>();
  /** Words of the command that are no options. */
  #placed = 0;
  /** Behind `--` there are no options. */
  #isOver = false;

  constructor(commands: readonly Command[]) {
    this.#commands = commands;
  }

  take(word: string): void {
    if (this.#valueOf !== undefined) {
      this.#valueOf = undefined;
    } else if (word === "--" && !this.#isOver) {
      this.#isOver = true;
    } else if (word.startsWith("-") && word !== "-" && !this.#isOver) {
      this.#takeOption(word);
    } else if (this.#command === undefined) {
      this.#command = this.#commands.find(({ name }) => name === word);
      this.#isUnknown ||= this.#command === undefined;
    } else {
      this.#placed += 1;
    }
  }

  wanted(current: string): Wanted {
    if (this.#valueOf !== undefined) return { kind: "value", spec: this.#valueOf, before: "" };
    if (current.startsWith("-") && !this.#isOver) return this.#wantedOption(current);
    if (this.#isUnknown) return NOTHING;
    if (this.#command === undefined) return { kind: "command" };
    const { places, specs } = this.#command;
    const last = places.at(-1);
    const place = places[this.#placed] ?? (last?.isList === true ? last : undefined);
    const spec = place === undefined ? undefined : specs[place.key];
    return spec === undefined ? NOTHING : { kind: "value", spec, before: "" };
  }

  #takeOption(word: string): void {
    const equals = word.indexOf("=");
    const name = equals === -1 ? word : word.slice(0, equals);
    const [key, spec] = this.#option(name) ?? [];
    if (key === undefined || spec === undefined) return;
    // What may be given again is offered again.
    if (spec.type === "boolean" || spec.array !== true) this.#given.add(key);
    if (spec.type === "string" && equals === -1) this.#valueOf = spec;
  }

  #wantedOption(current: string): Wanted {
    const equals = current.indexOf("=");
    if (equals === -1) {
      const open = Object.entries(this.#options()).filter(([key]) => !this.#given.has(key));
      return { kind: "option", specs: Object.fromEntries(open) };
    }
    const [, spec] = this.#option(current.slice(0, equals)) ?? [];
    if (spec === undefined) return NOTHING;
    return { kind: "value", spec, before: current.slice(0, equals + 1) };
  }

  #option(word: string): [string, Spec] | undefined {
    return Object.entries(this.#options()).find(([key]) => `--${optionName(key)}` === word);
  }

  #options(): Specs {
    const placed = new Set(this.#command?.places.map(({ key }) => key));
    const entries = Object.entries(this.#command?.specs ?? {}).filter(([key]) => !placed.has(key));
    const own = Object.fromEntries(entries);
    // Its own go first, and mean more.
    return { ...own, ...GLOBAL_OPTIONS, ...own };
  }
}
