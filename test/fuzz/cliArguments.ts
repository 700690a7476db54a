/** Command lines: right ones, and what broken scripts make of them. */
import { COMMANDS } from "../../src/cli/commands/index.js";
import { SETTING_KEYS } from "../../src/cli/settings.js";
import type { SeededRandom } from "../support/seededRandom.js";
import { damagedJson, hostileText } from "./hostileDraws.js";
import { below, chance, pick } from "./mutate.js";

/** Stands for a folder of the run. */
export const HOME_MARK = "%HOME%";

const TARGETS = ["bob", "10.0.0.2", "host.test", "nobody.test", "eve", "10.0.0.99:9", "-", "alice"];
const GROUPS = ["#ops", "224.0.1.100", "239.1.2.3:8000", "#new"];
const TEXTS = ["hi", "help", "-", "two words", "午饭", "--json", "\u202e", "x".repeat(3000)];
const RIGHT_WORDS: Readonly<Record<string, readonly string[]>> = {
  TARGET: TARGETS,
  GROUP: GROUPS,
  TEXT: TEXTS,
};
/**
 * The daemon logs to the standard error of this very process: it has a target of its own. A service
 * would be installed on this very machine.
 */
export const OWN_TARGETS: readonly string[] = ["daemon", "service"];
const COMMAND_NAMES = COMMANDS.map(({ name }) => name).filter(
  (name) => !OWN_TARGETS.includes(name),
);
const ODD_COMMANDS = ["completion", "__complete", "help", "sned", "", "-", "--", "constructor"];

/** Options and right values for them; none: a switch. */
const OPTIONS: readonly (readonly [string, readonly string[]])[] = [
  ["--json", []],
  ["--verbose", []],
  ["--help", []],
  ["-h", []],
  ["--version", []],
  ["--queue", []],
  ["--plain", []],
  ["--detach", []],
  ["--secret", []],
  ["--require-verified", []],
  ["--no-read-receipts", []],
  ["--home", [`${HOME_MARK}/other`, HOME_MARK]],
  ["--name", ["alice", "x"]],
  ["--port", ["0", "22400"]],
  ["--discovery-port", ["22401"]],
  ["--interface", ["lo"]],
  ["--broadcast", ["10.0.0.255"]],
  ["--peer", ["10.0.0.2", "bob"]],
  ["--timeout", ["10ms", "2s"]],
  ["--store", ["disk", "memory"]],
  ["--retention", ["90d"]],
  ["--ttl", ["2d"]],
  ["--id", ["mine", "other"]],
  ["--wait", ["10ms"]],
  ["--passphrase-file", ["/dev/null", `${HOME_MARK}/none`]],
  ["--exec", ["cat"]],
  ["--limit", ["10"]],
  ["--since", ["7d", "2026-01-02"]],
  ["--group", GROUPS],
];
const UNKNOWN_OPTIONS = [
  "--nope",
  "-x",
  "--no-json",
  "--constructor",
  "--__proto__",
  "--toString",
  "--_",
  "--$0",
  "--json.a",
  "---",
  "-",
  "-=",
  "--=x",
  "--no-",
  "-jh",
];

/** The words behind the program's name; none has NUL, which no system can pass on. */
export function drawArguments(random: SeededRandom): string[] {
  const command = pick(random, COMMANDS);
  const name = chance(random, 0.95) ? pick(random, COMMAND_NAMES) : pick(random, ODD_COMMANDS);
  const { words } = COMMANDS.find((known) => known.name === name) ?? command;
  const positionals = words.map((word) => {
    const right = RIGHT_WORDS[word];
    return right !== undefined && chance(random, 0.7) ? pick(random, right) : hostileText(random);
  });
  if (chance(random, 0.25)) positionals.push(hostileText(random));
  const argv = [name, ...positionals];
  for (let options = below(random, 4); options > 0; options -= 1) {
    argv.splice(1 + below(random, argv.length), 0, ...drawOption(random));
  }
  if (name === "serve" && chance(random, 0.8)) argv.push("--exec", "cat");
  if (chance(random, 0.3)) argv.push("--json");
  if (chance(random, 0.15)) disturb(random, argv);
  return argv.map((word) => word.replaceAll("\0", ""));
}

function drawOption(random: SeededRandom): string[] {
  if (chance(random, 0.08)) return [pick(random, UNKNOWN_OPTIONS)];
  const [name, values] = pick(random, OPTIONS);
  if (values.length === 0 && chance(random, 0.9)) return [name];
  const value =
    values.length > 0 && chance(random, 0.6) ? pick(random, values) : hostileText(random);
  return chance(random, 0.5) ? [name, value] : [`${name}=${value}`];
}

function disturb(random: SeededRandom, argv: string[]): void {
  const at = below(random, argv.length + 1);
  switch (below(random, 4)) {
    case 0:
      argv.splice(at, 1);
      break;
    case 1:
      argv.splice(at, 0, pick(random, ["--", "-", "", "=", "--json", hostileText(random)]));
      break;
    case 2:
      argv.splice(at, 0, ...argv.slice(below(random, argv.length)));
      break;
    default:
      argv.reverse();
  }
}

const ENVIRONMENT = [
  ...SETTING_KEYS.map((key) => `UDPCHAT_${key.replace(/[A-Z]/g, "_$&").toUpperCase()}`),
  ...["UDPCHAT_PASSPHRASE", "NO_COLOR", "SHELL", "HOME", "COLUMNS", "LC_ALL"],
];

/** `NAME=value`, none of them the home. */
export function drawEnvironment(random: SeededRandom): string[] {
  if (chance(random, 0.7)) return [];
  return Array.from({ length: 1 + below(random, 2) }, () => {
    return `${pick(random, ENVIRONMENT)}=${hostileText(random).replaceAll("\0", "")}`;
  });
}

/** The bytes of a settings file; undefined: there is none. */
export function drawSettings(random: SeededRandom): Uint8Array | undefined {
  if (chance(random, 0.75)) return undefined;
  const right: Record<string, unknown> = {
    ...{ name: "alice", port: 0, discoveryPort: 22_401, interface: ["lo"], timeout: "2s" },
    ...{ "read-receipts": false, retention: "90d", store: "disk", requireVerified: false },
  };
  const kept = Object.entries(right).filter(() => chance(random, 0.4));
  return damagedJson(random, Object.fromEntries(kept), 0.1);
}
