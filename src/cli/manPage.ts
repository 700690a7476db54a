/**
 * The manual page, made of what the help is made of, in the macros of man(7). It bears no date: the
 * same sources give the same bytes.
 */
import type { Command } from "./command.js";
import { EXIT, EXIT_MEANINGS } from "./exitCodes.js";
import { GLOBAL_OPTIONS } from "./globalOptions.js";
import { HELP_ON_WORDS, optionName, type Specs } from "./options.js";
import { environmentName, flagOf, SETTING_KEYS } from "./settings.js";

/** udpchat(1) as text. */
export function manPage(commands: readonly Command[], version: string): string {
  return [
    `.TH UDPCHAT 1 "" "udpchat ${version}" "User Commands"`,
    ".nh",
    section("NAME"),
    `udpchat \\- ${roff("messages on the local network: no server, no account")}`,
    section("SYNOPSIS"),
    ".B udpchat",
    ".I COMMAND",
    "[\\fIOPTION\\fR]...",
    section("DESCRIPTION"),
    roff(DESCRIPTION),
    section("COMMANDS"),
    ...commands.flatMap(commandLines),
    section("OPTIONS"),
    roff("Every command takes these."),
    ...optionLines(GLOBAL_OPTIONS),
    ...option("--help, -h", "Show help"),
    ...option("--version", "Show version number"),
    section("WORDS"),
    ...preformatted(HELP_ON_WORDS),
    section("EXIT STATUS"),
    ...exitStatus(),
    section("ENVIRONMENT"),
    ...environment(),
    section("FILES"),
    ...FILES.flatMap(([path, meaning]) => item(`.I ${roff(path)}`, meaning)),
    "",
  ].join("\n");
}

const DESCRIPTION =
  "Every machine runs the same program; they find one another by broadcast and multicast, and " +
  "talk over UDP. Commands talk to the daemon of this user if one runs (udpchat start), and do " +
  "the same by themselves, for as long as they last, if none does.";

/** Beside the settings. */
const VARIABLES: readonly (readonly [string, string])[] = [
  ["UDPCHAT_HOME", "As --home"],
  ["UDPCHAT_PASSPHRASE", "Of a secret group, for join --secret"],
  ["NO_COLOR", "No colours, if it is not empty"],
];

const FILES: readonly (readonly [string, string])[] = [
  ["~/.config/udpchat/config.json", "Settings, a JSON object; with --home DIR: DIR/config.json"],
  ["~/.local/share/udpchat", "The home, where --home names none: identity, messages, socket"],
];

function section(title: string): string {
  return `.SH ${title}`;
}

function commandLines({ usage, summary, places, specs, notes, examples }: Command): string[] {
  const placed = new Set(places.map(({ key }) => key));
  const entries = Object.entries(specs);
  const words = entries.filter(([key]) => placed.has(key));
  const options = Object.fromEntries(entries.filter(([key]) => !placed.has(key)));
  return [
    `.SS "udpchat ${roff(usage)}"`,
    roff(`${summary}.`),
    ...words.flatMap(([key, { describe }]) => item(`.I ${roff(key)}`, describe)),
    ...optionLines(options),
    ...(notes === undefined ? [] : [".PP", ...preformatted(notes)]),
    ...(examples.length === 0 ? [] : [".PP", ".RS", ...preformatted(examples.join("\n")), ".RE"]),
  ];
}

function optionLines(specs: Specs): string[] {
  return Object.entries(specs).flatMap(([key, spec]) => {
    const value =
      spec.type === "boolean" ? "" : ` ${key.replace(/^.*(?=[A-Z])/, "").toUpperCase()}`;
    const choices = spec.type === "boolean" || spec.array === true ? undefined : spec.choices;
    const chosen = choices === undefined ? "" : ` (${choices.join(", ")})`;
    return option(`--${optionName(key)}${value}`, spec.describe + chosen);
  });
}

function option(head: string, text: string): string[] {
  return item(`.B ${roff(head)}`, text);
}

function item(head: string, text: string): string[] {
  return [".TP", head, roff(text)];
}

function exitStatus(): string[] {
  return Object.entries(EXIT_MEANINGS).flatMap(([name, meaning]) =>
    item(`.B ${Object.entries(EXIT).find(([other]) => other === name)?.[1] ?? ""}`, meaning),
  );
}

function environment(): string[] {
  const settings = SETTING_KEYS.map((key): readonly [string, string] => [
    environmentName(key),
    `The setting ${key}: see ${flagOf(key)}`,
  ]);
  return [...settings, ...VARIABLES].flatMap(([name, meaning]) => option(name, meaning));
}

function preformatted(text: string): string[] {
  return [".nf", roff(text), ".fi"];
}

/** As it is: nothing in it is a request, an escape, or a character that typesetting would change. */
function roff(text: string): string {
  return text
    .replace(/[\\\-'`~^"]/g, (character) => ESCAPES[character] ?? character)
    .replace(/^\./gm, "\\&.")
    .replace(/[^\n\x20-\x7e]/gu, (character) => {
      const code = character.codePointAt(0) ?? 0;
      return `\\[u${code.toString(16).toUpperCase().padStart(4, "0")}]`;
    });
}

/** groff_char(7). */
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": "\\-",
  "'": "\\(aq",
  "`": "\\(ga",
  "~": "\\(ti",
  "^": "\\(ha",
  '"': "\\(dq",
};
