/** How options and words of a command line are declared: names are those of yargs. */

/** What a value is, for the shell that completes it. */
export type Completes =
  | "peer"
  | "blocked"
  | "group"
  | "queued"
  | "command"
  | "file"
  | "folder"
  | "interface";

interface Declared {
  /** For the help. */
  readonly describe: string;
  /** Heading in the help. */
  readonly group?: string;
}

/** On if it is there. */
export interface SwitchSpec extends Declared {
  readonly type: "boolean";
  readonly default?: false;
}

export interface TextSpec extends Declared {
  readonly type: "string";
  readonly array?: false;
  /** An option that needs a value. */
  readonly requiresArg?: true;
  readonly demandOption?: true;
  readonly choices?: readonly string[];
  readonly completes?: Completes;
}

/** An option that may be given again and again, or as many words as come. */
export interface ListSpec extends Declared {
  readonly type: "string";
  readonly array: true;
  readonly requiresArg?: true;
  readonly completes?: Completes;
}

export type Spec = SwitchSpec | TextSpec | ListSpec;

/** By the key of their values: `passphraseFile` is typed as `--passphrase-file`. */
export type Specs = Readonly<Record<string, Spec>>;

/** What declares arguments of type `A`: those that are always there must be demanded, or be off. */
export type SpecsOf<A> = {
  readonly [K in keyof A]-?: undefined extends A[K] ? Optional<NonNullable<A[K]>> : Required<A[K]>;
};
type Optional<T> = T extends boolean
  ? SwitchSpec
  : T extends readonly string[]
    ? ListSpec
    : TextSpec;
type Required<T> = T extends boolean
  ? SwitchSpec & { readonly default: false }
  : T extends string
    ? TextSpec & { readonly demandOption: true }
    : never;

/** How the words are written that most commands take. */
export const HELP_ON_WORDS = `TARGET: host:port, host (port 22400), a nickname, or the first characters of a peer id.
GROUP: a multicast address, address:port, or '#name'. TEXT - reads standard input.
Words that begin with a dash go behind --, as in: udpchat send bob -- -5`;

/** The word of a command that says to whom. */
export const PEER_PLACE = {
  type: "string",
  demandOption: true,
  completes: "peer",
  describe: "host:port, host, a nickname, or the first characters of a peer id",
} as const satisfies TextSpec;

/** The word of a command that says in which group. */
export const GROUP_PLACE = {
  type: "string",
  demandOption: true,
  completes: "group",
  describe: "224.0.1.100, address:port or '#name'",
} as const satisfies TextSpec;

/** `passphrase-file` of `passphraseFile`. */
export function optionName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** True if the values are those that `specs` declare. */
export function isOfSpecs<A>(values: object, specs: SpecsOf<A>): values is object & A;
export function isOfSpecs(values: object, specs: Specs): boolean {
  return Object.entries(specs).every(([key, spec]) => isOfSpec(Reflect.get(values, key), spec));
}

function isOfSpec(value: unknown, spec: Spec): boolean {
  if (spec.type === "boolean") {
    return typeof value === "boolean" || (value === undefined && spec.default === undefined);
  }
  if (spec.array === true) {
    return value === undefined || (Array.isArray(value) && value.every(isText));
  }
  return isText(value) || (value === undefined && spec.demandOption === undefined);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
