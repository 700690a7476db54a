import { UdpchatError } from "../errors.js";
import type { CommandContext } from "./context.js";
import { GLOBAL_OPTIONS, type GlobalArgs } from "./globalOptions.js";
import { isOfSpecs, type Specs, type SpecsOf } from "./options.js";

/** Runs a command; resolves with its exit code, rejects with an `UdpchatError`. */
export type Handler<A> = (args: A, context: CommandContext) => Promise<number>;

/** `A`: the command's own arguments, beside those of every command. */
export interface CommandDefinition<A> {
  /** As yargs wants it: `send <target> <text>`. */
  readonly usage: string;
  readonly summary: string;
  /** Behind its options in its help. */
  readonly notes?: string;
  /** Command lines at the end of its help. */
  readonly examples?: readonly string[];
  /** `--peer` says whose messages are meant, and not where a peer is. */
  readonly ownPeer?: boolean;
  /** It works also where the config file or the environment is wrong: it sees the flags alone. */
  readonly withoutSettings?: boolean;
  /** The words in `usage`, and its options. */
  readonly arguments: SpecsOf<A>;
  /** Imports the handler: what a command needs is loaded only if it runs. */
  readonly load: () => Promise<Handler<GlobalArgs & A>>;
}

/** What was asked for on the command line. */
export interface Chosen {
  readonly args: GlobalArgs;
  /** Flags, environment and config file together; otherwise flags alone. */
  readonly needsSettings: boolean;
  readonly run: (context: CommandContext) => Promise<number>;
}

/** A word of a command that is no option. */
export interface Place {
  readonly key: string;
  readonly isRequired: boolean;
  /** Takes all words that follow. */
  readonly isList: boolean;
}

/** A command whose types only its own files know. */
export interface Command {
  /** The first word of `usage`. */
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly notes: string | undefined;
  readonly examples: readonly string[];
  /** In order. */
  readonly places: readonly Place[];
  /** The words that it needs, in order: `TARGET`, `TEXT`. */
  readonly words: readonly string[];
  /** Of its places and of the options that it has beside those of every command. */
  readonly specs: Specs;
  /** The command with these arguments. @throws UdpchatError INTERNAL if they are not as declared */
  readonly choose: (values: object) => Chosen;
}

export function defineCommand<A = unknown>(definition: CommandDefinition<A>): Command {
  const { usage, summary, notes, examples = [], ownPeer = false, load } = definition;
  const needsSettings = definition.withoutSettings !== true;
  const places = placesOf(usage);
  return {
    name: usage.split(" ", 1)[0] ?? usage,
    usage,
    summary,
    notes,
    examples,
    places,
    words: places.filter(({ isRequired }) => isRequired).map(({ key }) => key.toUpperCase()),
    specs: definition.arguments,
    choose: (values) => {
      if (
        !isOfSpecs<GlobalArgs>(values, GLOBAL_OPTIONS) ||
        !isOfSpecs<A>(values, definition.arguments)
      ) {
        throw new UdpchatError("INTERNAL", `${usage}: arguments are not as declared`);
      }
      const global = ownPeer ? { ...values, peer: undefined } : values;
      const run = async (context: CommandContext) => (await load())(values, context);
      return { args: global, needsSettings, run };
    },
  };
}

function placesOf(usage: string): Place[] {
  return [...usage.matchAll(/([<[])(\w+)(\.\.)?/g)].map(([, bracket, key = "", dots]) => ({
    key,
    isRequired: bracket === "<",
    isList: dots !== undefined,
  }));
}
