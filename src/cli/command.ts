import type { ArgumentsCamelCase, Argv } from "yargs";
import type { CommandContext } from "./context.js";
import type { GlobalArgs } from "./globalOptions.js";

/** Runs a command; resolves with its exit code, rejects with an `UdpchatError`. */
export type Handler<A> = (args: A, context: CommandContext) => Promise<number>;

/** `A`: the command's own arguments, beside those of every command. */
export interface CommandDefinition<A> {
  /** As yargs wants it: `send <target> <text>`. */
  readonly usage: string;
  readonly summary: string;
  /** Command lines at the end of its help. */
  readonly examples?: readonly string[];
  /** `--peer` says whose messages are meant, and not where a peer is. */
  readonly ownPeer?: boolean;
  readonly options?: (yargs: Argv<GlobalArgs>) => Argv<GlobalArgs & A>;
  /** Imports the handler: what a command needs is loaded only if it runs. */
  readonly load: () => Promise<Handler<ArgumentsCamelCase<GlobalArgs & A>>>;
}

/** What was asked for on the command line. */
export interface Chosen {
  readonly args: GlobalArgs;
  readonly run: (context: CommandContext) => Promise<number>;
}

/** Puts arguments right that yargs changed. */
export type Restore = <A>(args: A) => A;

/** A command whose types only its own files know. */
export interface Command {
  /** The first word of `usage`. */
  readonly name: string;
  /** The words that it needs, in order: `TARGET`, `TEXT`. */
  readonly words: readonly string[];
  readonly register: (
    yargs: Argv<GlobalArgs>,
    restore: Restore,
    choose: (chosen: Chosen) => void,
  ) => Argv<GlobalArgs>;
}

export function defineCommand<A = unknown>(definition: CommandDefinition<A>): Command {
  const { usage, summary, examples = [], ownPeer = false, options, load } = definition;
  return {
    name: usage.split(" ", 1)[0] ?? usage,
    words: [...usage.matchAll(/<([^>]*)>/g)].map(([, word = ""]) => word.toUpperCase()),
    register: (yargs, restore, choose) => {
      const handler = (parsed: ArgumentsCamelCase<GlobalArgs & A>): void => {
        const args = restore(parsed);
        const global = ownPeer ? { ...args, peer: undefined } : args;
        choose({ args: global, run: async (context) => (await load())(args, context) });
      };
      const build = (own: Argv<GlobalArgs>): Argv<GlobalArgs> => {
        const built = options?.(own) ?? own;
        return examples.length === 0 ? built : built.epilogue(examplesText(examples));
      };
      return yargs.command<GlobalArgs & A>(usage, summary, build, handler);
    },
  };
}

function examplesText(examples: readonly string[]): string {
  const head = examples.length === 1 ? "Example" : "Examples";
  return [`${head}:`, ...examples.map((line) => `  ${line}`)].join("\n");
}
