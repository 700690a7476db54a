import { access } from "node:fs/promises";
import { daemonAnswers } from "../../../api/client.js";
import type { SettingLine } from "../../../api/lines.js";
import { UdpchatError } from "../../../errors.js";
import { sanitiseName } from "../../../sanitise.js";
import { type ConfigContent, ConfigFile } from "../../../store/configFile.js";
import { withDaemon } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";
import {
  LIST_KEYS,
  readContent,
  readSetting,
  SETTING_KEYS,
  type SettingKey,
  settingKey,
  toCamel,
} from "../../settings.js";
import { settingLines, writtenValue } from "./settingLines.js";

export interface ConfigArgs {
  readonly action: string;
  readonly key?: string | undefined;
  readonly values?: string[] | undefined;
}

/** @throws UdpchatError INVALID_ARGUMENT and so on for wrong values, HOME_UNUSABLE */
export async function handle(args: GlobalArgs & ConfigArgs, context: CommandContext) {
  const { action, key, values = [] } = args;
  const needsValues = action === "set";
  if (!needsValues && values.length > 0) throw tooMuch(`${action} ${key}`, values[0] ?? "");
  if (action === "list" || action === "path") {
    if (key !== undefined) throw tooMuch(action, key);
    await (action === "list" ? list(context) : path(context));
    return EXIT.done;
  }
  if (key === undefined) throw missing("KEY", action);
  if (needsValues && values.length === 0) throw missing("VALUE", `set ${key}`);
  if (action === "get") await get(settingKey(key), context);
  else if (action === "set") await set(settingKey(key), values, context);
  else await unset(key, context);
  return EXIT.done;
}

async function path({ paths, printer }: CommandContext): Promise<void> {
  const { configFile } = paths;
  const exists = await access(configFile).then(
    () => true,
    () => false,
  );
  await printer.line({ type: "config", path: configFile, exists });
}

async function list(context: CommandContext): Promise<void> {
  await context.printer.settings(await settingLines(context));
}

async function get(key: SettingKey, context: CommandContext): Promise<void> {
  const line = await lineOf(key, context);
  const { printer, stdout } = context;
  if (printer.forScripts) await printer.line(line);
  else for (const item of itemsOf(line.value)) await stdout.line(sanitiseName(item));
}

function itemsOf(value: SettingLine["value"]): string[] {
  if (value === null) return [];
  return Array.isArray(value) ? value : [String(value)];
}

async function set(
  key: SettingKey,
  words: readonly string[],
  context: CommandContext,
): Promise<void> {
  const isList = LIST_KEYS.includes(key);
  const [first = "", tooMany] = words;
  if (!isList && tooMany !== undefined) throw tooMuch(`set ${key} ${first}`, tooMany);
  const value = isList ? words.flatMap((word) => word.split(",")) : first;
  const written = writtenValue(key, readSetting(key, value, key));
  await change(context, (content) => {
    const changed = { ...content, [spelling(content, key)]: written };
    // Something else in it may be wrong: it is not ours to say that all is well.
    readContent(changed, context.paths.configFile);
    return changed;
  });
  await tell(key, context);
}

/** Also a key that is no setting: that is how a mistake is taken away. */
async function unset(word: string, context: CommandContext): Promise<void> {
  let found = false;
  await change(context, (content) => {
    const name = spelling(content, word);
    found = Object.hasOwn(content, name);
    return Object.fromEntries(Object.entries(content).filter(([one]) => one !== name));
  });
  const key = SETTING_KEYS.find((one) => one === toCamel(word));
  // What was never there is gone as it should be, unless it cannot be there at all.
  if (key !== undefined) await tell(key, context);
  else if (found) await reload(context);
  else settingKey(word);
}

/** As it is written in the file already, perhaps as the flag is: `discovery-port`. */
function spelling(content: ConfigContent, word: string): string {
  return Object.keys(content).find((name) => toCamel(name) === toCamel(word)) ?? toCamel(word);
}

async function change(
  { paths }: CommandContext,
  edit: (content: ConfigContent) => ConfigContent,
): Promise<void> {
  await new ConfigFile(paths.configFile).change(edit);
}

/** What holds now, and what a daemon makes of it. */
async function tell(key: SettingKey, context: CommandContext): Promise<void> {
  const { printer, stderr } = context;
  const line = await lineOf(key, context);
  await printer.line(line);
  if (line.source === "environment" || line.source === "flag") {
    await stderr.line(sanitiseName(`udpchat: ${line.origin} goes before the config file`));
  }
  if (key !== "timeout") await reload(context);
}

/** If a daemon runs. */
async function reload(context: CommandContext): Promise<void> {
  const { paths, printer, signal } = context;
  if (!(await daemonAnswers(paths.socket))) return;
  await printer.line(await withDaemon(context, (api) => api.call("reload", {}, { signal })));
}

async function lineOf(key: SettingKey, context: CommandContext): Promise<SettingLine> {
  const line = (await settingLines(context)).find((one) => one.key === key);
  if (line === undefined) throw new UdpchatError("INTERNAL", `no setting ${key} is listed`);
  return line;
}

function missing(what: string, words: string): UdpchatError {
  return new UdpchatError("INVALID_ARGUMENT", `${what} is missing`, {
    remedy: `udpchat config ${words} ${what}`,
  });
}

function tooMuch(words: string, what: string): UdpchatError {
  return new UdpchatError("INVALID_ARGUMENT", `config ${words}: "${what}" is too much`, {
    remedy: "put a value of several words in quotes, or see udpchat config --help",
  });
}
