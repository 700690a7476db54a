/** From the words of the command line to the command that they ask for. */
import yargs, { type Argv } from "yargs";
import { UdpchatError } from "../errors.js";
import type { Chosen, Command } from "./command.js";
import { addGlobalOptions, type GlobalArgs } from "./globalOptions.js";
import { nearest } from "./nearest.js";
import { ShieldedWords } from "./shieldedWords.js";

/** A command to run, or text to print: help, version, completion. */
export type CommandLine =
  | { readonly kind: "run"; readonly chosen: Chosen }
  | { readonly kind: "print"; readonly text: string };

export interface CommandLineOptions {
  readonly commands: readonly Command[];
  readonly version: string;
}

const HELP_WIDTH = 90;

/** @throws UdpchatError INVALID_ARGUMENT, naming the nearest command or option */
export function parseCommandLine(
  argv: readonly string[],
  { commands, version }: CommandLineOptions,
): CommandLine {
  const words = new ShieldedWords(argv);
  const restore = <A>(args: A): A => restoreAll(args, words);
  let chosen: Chosen | undefined;
  let text = "";
  let parser = newParser(words.argv, version, (failed, options) =>
    explain(words.restoreIn(failed), argv, commands, options),
  );
  for (const command of commands) {
    parser = command.register(parser, restore, (choice) => (chosen = choice));
  }
  // Synchronous: every handler only says that it was chosen.
  void parser.parse([...words.argv], {}, (_error, _args, output) => {
    text = output;
  });
  if (chosen !== undefined) return { kind: "run", chosen };
  return { kind: "print", text: text.endsWith("\n") ? text : `${text}\n` };
}

type Explain = (failed: string, options: readonly string[]) => UdpchatError;

function newParser(argv: readonly string[], version: string, explain: Explain): Argv<GlobalArgs> {
  const parser = yargs([...argv])
    .scriptName("udpchat")
    .usage("$0 COMMAND\n\nMessages on the local network: no server, no account.")
    .locale("en")
    .exitProcess(false)
    .parserConfiguration({
      "boolean-negation": false,
      "dot-notation": false,
      "greedy-arrays": false,
      "parse-numbers": false,
      "parse-positional-numbers": false,
    })
    .strict()
    .demandCommand(1, "no command is given")
    .version(version)
    .help()
    .alias("help", "h")
    .completion("completion", "Print a completion script for bash or zsh")
    .epilogue(EPILOGUE)
    .wrap(HELP_WIDTH);
  return addGlobalOptions(parser).fail((message, error) => {
    // Of its own errors yargs says so by name alone.
    if (error instanceof Error && error.name !== "YError") throw error;
    throw explain(message, optionNames(parser));
  });
}

const EPILOGUE = `TARGET: host:port, host (port 22400), a nickname, or the first characters of a peer id.
GROUP: a multicast address, address:port, or '#name'. TEXT - reads standard input.
Words that begin with a dash go behind --, as in: udpchat send bob -- -5`;

/** yargs tells what is wrong in English sentences alone; `locale` above keeps them so. */
function explain(
  message: string,
  argv: readonly string[],
  commands: readonly Command[],
  options: readonly string[],
): UdpchatError {
  const [, unknown] = /^Unknown (?:argument|command)s?: ([^,]*)/s.exec(message) ?? [];
  if (unknown === undefined) return usage(reworded(message), "see udpchat --help");
  const typed = argv.find((word) => /^-+/.test(word) && bare(word) === unknown);
  if (typed !== undefined) return notKnown("option", typed, options);
  const command = argv.find((word) => commands.some(({ name }) => name === word));
  if (command === undefined) {
    const names = [...commands.map(({ name }) => name), "completion"];
    return notKnown("command", unknown, names);
  }
  return usage(
    `${command} takes fewer words: "${unknown}" is too much`,
    `put a text of several words in quotes, or see udpchat ${command} --help`,
  );
}

function reworded(message: string): string {
  return message
    .replace(/^Not enough arguments following: (.*)$/s, "--$1 needs a value")
    .replace(
      /^Not enough non-option arguments: got (\d+), need at least (\d+)$/,
      "words are missing: $1 given, $2 needed",
    )
    .replace(/^Missing required arguments?: (.*)$/s, "--$1 is missing");
}

function notKnown(kind: string, word: string, candidates: readonly string[]): UdpchatError {
  const meant = nearest(word, candidates);
  return usage(
    `there is no ${kind} ${word}`,
    meant === undefined ? "see udpchat --help" : `did you mean ${meant}?`,
  );
}

function usage(message: string, remedy: string): UdpchatError {
  return new UdpchatError("INVALID_ARGUMENT", message, { remedy });
}

function bare(option: string): string {
  return option.replace(/^-+/, "").replace(/=.*$/s, "");
}

/** `--json` and so on, as they are declared at the point of the failure. */
function optionNames(parser: Argv): string[] {
  const declared: unknown = Reflect.get(parser, "getOptions");
  const options: unknown = typeof declared === "function" ? declared.call(parser) : undefined;
  const keys =
    typeof options === "object" && options !== null && "key" in options ? options.key : undefined;
  return typeof keys === "object" && keys !== null
    ? Object.keys(keys).map((key) => `--${key}`)
    : [];
}

function restoreAll<A>(args: A, words: ShieldedWords): A {
  if (typeof args !== "object" || args === null) return args;
  for (const [key, value] of Object.entries(args)) Reflect.set(args, key, words.restore(value));
  return args;
}
