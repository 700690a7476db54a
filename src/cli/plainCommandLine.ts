import type { Chosen, Command, Place } from "./command.js";
import { GLOBAL_OPTIONS } from "./globalOptions.js";
import { optionName, type Spec, type Specs } from "./options.js";

/**
 * The command that a plain command line asks for: its name first, then its words, and options as
 * they are declared. Nearly all are like that, and yargs takes half as long to load and parse them
 * as Node does to start. Undefined for every other one, right or wrong: yargs knows what it means.
 */
export function plainCommandLine(
  [name, ...words]: readonly string[],
  commands: readonly Command[],
): Chosen | undefined {
  const command = commands.find((one) => one.name === name);
  // `udpchat join help` asks for help.
  if (command === undefined || (words.length === 1 && words[0] === "help")) return undefined;
  const values = valuesOf(words, command);
  return values === undefined ? undefined : command.choose(Object.fromEntries(values));
}

type Value = boolean | string | string[];

function valuesOf(words: readonly string[], command: Command): Map<string, Value> | undefined {
  const specs: Specs = { ...GLOBAL_OPTIONS, ...command.specs };
  const options = optionsOf(specs, command.places);
  const values = new Map<string, Value>();
  const free: string[] = [];
  const rest = words.values();
  for (const word of rest) {
    if (!word.startsWith("-")) {
      free.push(word);
      continue;
    }
    const [, option = "", inline] = /^--([^=]*)(?:=(.+))?$/s.exec(word) ?? [];
    const key = options.get(option);
    const spec = key === undefined ? undefined : specs[key];
    if (key === undefined || spec === undefined) return undefined;
    if (spec.type === "boolean") {
      if (inline !== undefined || values.has(key)) return undefined;
      values.set(key, true);
      continue;
    }
    const value = inline ?? rest.next().value;
    // What begins with a dash may be its value or the next option.
    if (value === undefined || (inline === undefined && value.startsWith("-"))) return undefined;
    if (!put(values, key, spec, value)) return undefined;
  }
  // Behind a switch, yargs takes these for its value.
  if (free.includes("true") || free.includes("false") || [...words].includes("")) return undefined;
  if (!place(free, command, specs, values)) return undefined;
  return withDefaults(values, specs) ? values : undefined;
}

/** Keys by the name of the option. */
function optionsOf(specs: Specs, places: readonly Place[]): Map<string, string> {
  const placed = new Set(places.map(({ key }) => key));
  const keys = Object.keys(specs).filter((key) => !placed.has(key));
  return new Map(keys.map((key) => [optionName(key), key]));
}

/** False if that cannot be its value, or it has one already. */
function put(values: Map<string, Value>, key: string, spec: Spec, value: string): boolean {
  const before = values.get(key);
  if (spec.type === "string" && spec.array === true) {
    values.set(key, Array.isArray(before) ? [...before, value] : [value]);
    return true;
  }
  const isOffered = spec.type === "boolean" || spec.choices?.includes(value) !== false;
  if (before !== undefined || !isOffered) return false;
  values.set(key, value);
  return true;
}

/** Gives the words to the places of the command. False if they are too few or too many. */
function place(
  words: readonly string[],
  { places }: Command,
  specs: Specs,
  values: Map<string, Value>,
): boolean {
  const rest = [...words];
  for (const { key, isRequired, isList } of places) {
    const taken = rest.splice(0, isList ? rest.length : 1);
    const spec = specs[key];
    if (spec === undefined || (isRequired && taken.length === 0)) return false;
    if (isList) values.set(key, taken);
    else if (!taken.every((word) => put(values, key, spec, word))) return false;
  }
  return rest.length === 0;
}

/** Switches that are not there are off. False if an option is missing that is demanded. */
function withDefaults(values: Map<string, Value>, specs: Specs): boolean {
  return Object.entries(specs).every(([key, spec]) => {
    if (values.has(key)) return true;
    if (spec.type === "boolean" && spec.default !== undefined) values.set(key, spec.default);
    return spec.type === "boolean" || spec.array === true || spec.demandOption === undefined;
  });
}
