/** From the words of the command line to the command that they ask for. */
import yargs, { type Argv } from "yargs";
import { UdpchatError } from "../errors.js";
import type { Chosen, Command } from "./command.js";
import { GLOBAL_OPTIONS, REPEATABLE } from "./globalOptions.js";
import { nearest } from "./nearest.js";
import { HELP_ON_WORDS, optionName } from "./options.js";
import { ShieldedWords } from "./shieldedWords.js";

/** A command to run, or text to print: help, version. */
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
  options: CommandLineOptions,
): CommandLine {
  return parse(argv[0] === HELP ? asHelp(argv, options.commands) : argv, options);
}

/** `send --help` for `help send`. @throws UdpchatError INVALID_ARGUMENT */
function asHelp([, topic, ...more]: readonly string[], commands: readonly Command[]): string[] {
  if (topic === undefined || topic.startsWith("-") || topic === HELP) return ["--help"];
  if (commands.some(({ name }) => name === topic)) return [topic, "--help", ...more];
  throw noSuchCommand(topic, commands);
}

/** yargs answers it itself. */
const HELP = "help";

function noSuchCommand(word: string, commands: readonly Command[]): UdpchatError {
  const meant = nearest(word, [...commands.map(({ name }) => name), HELP]);
  return notKnown(`command ${word}`, meant, "see udpchat --help");
}

function parse(argv: readonly string[], { commands, version }: CommandLineOptions): CommandLine {
  const words = new ShieldedWords(argv);
  let chosen: Chosen | undefined;
  let text = "";
  let parser = newParser(words.argv, version, (failed, options) =>
    explain(words.restoreIn(failed), argv, commands, options),
  );
  for (const command of commands) {
    parser = parser.command(command.usage, command.summary, declaring(command), (args) => {
      restoreAll(args, words);
      checkArguments(args, argv);
      chosen = command.choose(args);
    });
  }
  parser = parser.command("help [command]", "Explain a command");
  // Synchronous: every handler only says that it was chosen.
  void parser.parse([...words.argv], {}, (_error, _args, output) => {
    text = output;
  });
  if (chosen !== undefined) return { kind: "run", chosen };
  return { kind: "print", text: text.endsWith("\n") ? text : `${text}\n` };
}

type Explain = (failed: string, options: readonly string[]) => UdpchatError;

function newParser(argv: readonly string[], version: string, explain: Explain): Argv {
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
    .epilogue(HELP_ON_WORDS)
    .wrap(HELP_WIDTH);
  for (const [key, spec] of Object.entries(GLOBAL_OPTIONS)) parser.option(optionName(key), spec);
  return parser.fail((message, error) => {
    // Of its own errors yargs says so by name alone.
    if (error instanceof Error && error.name !== "YError") throw error;
    throw explain(message, optionNames(parser));
  });
}

/** What tells yargs of a command's own arguments. */
function declaring({ examples, notes, places, specs }: Command): (yargs: Argv) => Argv {
  const placed = new Set(places.map(({ key }) => key));
  const epilogues = [notes, examples.length === 0 ? undefined : examplesText(examples)];
  return (yargs) => {
    for (const [key, spec] of Object.entries(specs)) {
      if (placed.has(key)) yargs.positional(key, spec);
      else yargs.option(optionName(key), spec);
    }
    for (const epilogue of epilogues) if (epilogue !== undefined) yargs.epilogue(epilogue);
    return yargs;
  };
}

function examplesText(examples: readonly string[]): string {
  const head = examples.length === 1 ? "Example" : "Examples";
  return [`${head}:`, ...examples.map((line) => `  ${line}`)].join("\n");
}

/** yargs tells what is wrong in English sentences alone; `locale` above keeps them so. */
function explain(
  message: string,
  argv: readonly string[],
  commands: readonly Command[],
  options: readonly string[],
): UdpchatError {
  const name = argv.find((word) => commands.some((command) => command.name === word));
  const command = commands.find((candidate) => candidate.name === name);
  const [, given] = /^Not enough non-option arguments: got (\d+)/.exec(message) ?? [];
  const [, unknown] = /^Unknown (?:argument|command)s?: ([^,]*)/s.exec(message) ?? [];
  if (given !== undefined || unknown !== undefined) {
    // A word behind an unknown option counts as its value: it is what is wrong then.
    const odd = unknownOption(argv, options);
    if (odd !== undefined) return unknownOptionError(odd, command, options);
  }
  const missing = given === undefined ? undefined : command?.words[Number(given)];
  if (command !== undefined && missing !== undefined) {
    const whole = ["udpchat", command.name, ...command.words].join(" ");
    return usage(`${missing} is missing`, whole);
  }
  const [, key = "", value = "", choices] = NOT_A_CHOICE.exec(message) ?? [];
  if (choices !== undefined) return notAChoice(key, value, choices, command);
  if (unknown === undefined) {
    const example = message.endsWith(" exec") ? "udpchat serve --exec 'uptime'" : undefined;
    return usage(reworded(message), example ?? "see udpchat --help");
  }
  if (command === undefined) {
    return noSuchCommand(unknown, commands);
  }
  return usage(
    `${command.name} takes fewer words: "${unknown}" is too much`,
    `put a text of several words in quotes, or see udpchat ${command.name} --help`,
  );
}

/** How yargs says that a value is none of the `choices`. */
const NOT_A_CHOICE = /Argument: (\S+), Given: "(.*)", Choices: (.*)$/s;

function notAChoice(
  key: string,
  value: string,
  choices: string,
  command: Command | undefined,
): UdpchatError {
  const known = [...choices.matchAll(/"([^"]*)"/g)].map(([, choice = ""]) => choice);
  const meant = nearest(value, known);
  const remedy = meant === undefined ? `use ${known.join(" or ")}` : `did you mean ${meant}?`;
  if (key !== "action") return usage(`--${key}: "${value}" is not possible`, remedy);
  return usage(`there is no ${command?.name ?? ""} ${value}`, remedy);
}

/** The first word that is written as an option and is none; a negative number is none either. */
function unknownOption(argv: readonly string[], options: readonly string[]): string | undefined {
  const end = argv.indexOf("--");
  const before = end === -1 ? argv : argv.slice(0, end);
  return before.find(
    (word) => /^-{1,2}[^-\d]/.test(word) && !options.includes(bare(word)) && bare(word) !== "h",
  );
}

function unknownOptionError(
  option: string,
  command: Command | undefined,
  options: readonly string[],
): UdpchatError {
  const meant = nearest(bare(option), options);
  const remedy = command?.words.includes("TEXT")
    ? "put a text that begins with a dash behind --"
    : `see udpchat ${command === undefined ? "" : `${command.name} `}--help`;
  return notKnown(`option ${option}`, meant === undefined ? undefined : `--${meant}`, remedy);
}

function reworded(message: string): string {
  return message
    .replace(/^Not enough arguments following: (.*)$/s, "--$1 needs a value")
    .replace(/^Missing required arguments?: (.*)$/s, "--$1 is missing");
}

function notKnown(what: string, meant: string | undefined, otherwise: string): UdpchatError {
  return usage(`there is no ${what}`, meant === undefined ? otherwise : `did you mean ${meant}?`);
}

function usage(message: string, remedy: string): UdpchatError {
  return new UdpchatError("INVALID_ARGUMENT", message, { remedy });
}

function bare(option: string): string {
  return option.replace(/^-+/, "").replace(/=.*$/s, "");
}

/** `json` and so on, as they are declared at the point of the failure. */
function optionNames(parser: Argv): string[] {
  const declared: unknown = Reflect.get(parser, "getOptions");
  const options: unknown = typeof declared === "function" ? declared.call(parser) : undefined;
  const keys =
    typeof options === "object" && options !== null && "key" in options ? options.key : undefined;
  return typeof keys === "object" && keys !== null ? Object.keys(keys) : [];
}

const WHEN_EMPTY: Readonly<Record<string, string>> = {
  target: "use host:port, a name or the first characters of an id",
  group: "use 224.0.1.100, address:port or '#name'",
};

/** What yargs lets pass: empty words, options given twice, and `--json=maybe`. */
function checkArguments(args: object, argv: readonly string[]): void {
  const end = argv.indexOf("--");
  const options = end === -1 ? argv : argv.slice(0, end);
  for (const [key, value] of Object.entries(args)) {
    const remedy = WHEN_EMPTY[key];
    if (remedy !== undefined && value === "") throw usage(`${key.toUpperCase()} is empty`, remedy);
    if (Array.isArray(value) && key !== "_" && !REPEATABLE.has(key)) {
      throw usage(`--${key} is given twice`, "give it once");
    }
    const odd = options.find((word) => word.startsWith(`--${key}=`));
    if (typeof value !== "boolean" || odd === undefined) continue;
    if (!/=(?:true|false)$/.test(odd)) throw usage(`${odd} is neither on nor off`, `use --${key}`);
  }
}

function restoreAll(args: object, words: ShieldedWords): void {
  for (const [key, value] of Object.entries(args)) Reflect.set(args, key, words.restore(value));
}
