/** What flags, environment and config file say together. */
import { isIPv4 } from "node:net";
import * as v from "valibot";
import { MAX_TIMEOUT_MS } from "../api/operations.js";
import type { HookPrograms } from "../daemon/hooks.js";
import { type ErrorCode, UdpchatError } from "../errors.js";
import { checkedNickname } from "../messenger/nickname.js";
import { checkedPort } from "../messenger/target.js";
import { type ConfigContent, ConfigFile } from "../store/configFile.js";
import { parseDurationMs } from "./duration.js";
import type { GlobalArgs } from "./globalOptions.js";
import { nearest } from "./nearest.js";
import { optionName } from "./options.js";

/** Undefined: the messenger's own default. */
export interface Settings {
  readonly name?: string;
  readonly port?: number;
  readonly discoveryPort?: number;
  readonly interface?: readonly string[];
  readonly broadcast?: readonly string[];
  readonly peer?: readonly string[];
  /** Milliseconds. */
  readonly timeout?: number;
  /** Have to do with verified peers alone. */
  readonly requireVerified?: boolean;
  /** Where messages are kept. */
  readonly store?: "disk" | "memory";
  /** Milliseconds after which messages are forgotten. */
  readonly retention?: number;
  /** Tell others that their messages were read here. */
  readonly readReceipts?: boolean;
  /** Programs that the daemon runs: in the file alone. */
  readonly hooks?: HookPrograms;
}

/** Those that can be set in the environment and the file too. */
export const SETTING_KEYS = [
  "name",
  "port",
  "discoveryPort",
  "interface",
  "broadcast",
  "peer",
  "timeout",
  "requireVerified",
  "store",
  "retention",
  "readReceipts",
] as const satisfies readonly (keyof Settings)[];
export type SettingKey = (typeof SETTING_KEYS)[number];
/** Those that hold a list; in the environment with commas between its items. */
export const LIST_KEYS: readonly SettingKey[] = ["interface", "broadcast", "peer"];

const CODE_OF_KEY: Partial<Readonly<Record<string, ErrorCode>>> = {
  name: "INVALID_NAME",
  port: "INVALID_PORT",
  discoveryPort: "INVALID_PORT",
  timeout: "INVALID_DURATION",
  retention: "INVALID_DURATION",
};

/** `--retention 90` is no 90 days: whoever forgets the unit does not lose everything. */
const MIN_RETENTION_MS = 3_600_000;
/** A hundred years. */
const MAX_RETENTION_MS = 36_500 * 86_400_000;

const HOOKS_EXAMPLE = 'write {"message": ["notify-send", "a message came"]}';
const HOOKS_EXPECTED = 'programs for "message" and "presence" are expected';
const PROGRAM_EXPECTED = "a program and its arguments are expected, as a list";

const port = (lowest: 0 | 1) =>
  v.pipe(
    v.union([v.number(), v.string()], "a port is expected"),
    v.transform((value) => {
      if (typeof value === "number" || /^\d{1,9}$/.test(value)) {
        return checkedPort(Number(value), lowest);
      }
      const remedy = `use ${lowest} to 65535`;
      throw invalid("INVALID_PORT", `"${value}" is not a port`, remedy);
    }),
  );
const list = v.pipe(
  v.union([v.string(), v.array(v.string())], "a text or a list of texts is expected"),
  v.transform((value) => (typeof value === "string" ? [value] : value)),
  v.minLength(1, "the list is empty"),
);
const duration = v.pipe(
  v.union([v.string(), v.number()], "a duration is expected"),
  v.transform((value) => parseDurationMs(String(value))),
);
const yesOrNo = v.pipe(
  v.union([v.boolean(), v.picklist(["true", "false", "1", "0"])], "true or false is expected"),
  v.transform((value) => value === true || value === "true" || value === "1"),
);
const program = v.optional(
  v.pipe(
    v.array(v.string(PROGRAM_EXPECTED), PROGRAM_EXPECTED),
    v.check(([file = ""]) => file !== "", PROGRAM_EXPECTED),
  ),
);
const SettingsSchema = v.strictObject({
  name: v.optional(v.pipe(v.string("a text is expected"), v.transform(checkedNickname))),
  port: v.optional(port(0)),
  // Whoever chose any free one would meet nobody there.
  discoveryPort: v.optional(port(1)),
  interface: v.optional(list),
  broadcast: v.optional(
    v.pipe(
      list,
      v.transform((addresses) => addresses.map(checkedIPv4)),
    ),
  ),
  peer: v.optional(list),
  timeout: v.optional(
    v.pipe(
      duration,
      v.minValue(1, "a wait lasts at least 1ms"),
      v.maxValue(MAX_TIMEOUT_MS, "a wait lasts at most 1d"),
    ),
  ),
  requireVerified: v.optional(yesOrNo),
  store: v.optional(v.picklist(["disk", "memory"], "disk or memory is expected")),
  retention: v.optional(
    v.pipe(
      duration,
      v.minValue(
        MIN_RETENTION_MS,
        "messages are kept for at least 1h (a bare number is milliseconds)",
      ),
      v.maxValue(MAX_RETENTION_MS, "messages are kept for at most 36500d, or without it for ever"),
    ),
  ),
  readReceipts: v.optional(yesOrNo),
  hooks: v.optional(
    v.pipe(
      v.custom<object>(
        (value) => typeof value === "object" && !Array.isArray(value),
        HOOKS_EXPECTED,
      ),
      v.strictObject({ message: program, presence: program }, HOOKS_EXPECTED),
    ),
  ),
});

function checkedIPv4(address: string): string {
  if (isIPv4(address)) return address;
  const message = `"${address}" is not an IPv4 address`;
  throw invalid("INVALID_ARGUMENT", message, "write it as 10.0.0.255");
}

/** Where values are said. */
interface Source {
  readonly origin: "file" | "environment" | "flag";
  readonly values: Readonly<Record<string, unknown>>;
  /** What a key is called there. */
  readonly nameOf: (key: string) => string;
}

/** What one of them says. */
export interface SettingsOfSource extends Omit<Source, "values"> {
  readonly settings: Settings;
}

/**
 * The settings of one run: flags win, then the environment, then the file.
 * @throws UdpchatError INVALID_NAME, INVALID_PORT, INVALID_DURATION, INVALID_ARGUMENT
 */
export async function loadSettings(
  args: GlobalArgs,
  env: Readonly<Record<string, string | undefined>>,
  configFile: string,
): Promise<Settings> {
  const sources = await settingsBySource(args, env, configFile);
  return Object.assign({}, ...sources.map(({ settings }) => settings));
}

/** The same, source by source: the later ones win. */
export async function settingsBySource(
  args: GlobalArgs,
  env: Readonly<Record<string, string | undefined>>,
  configFile: string,
): Promise<SettingsOfSource[]> {
  const content = await new ConfigFile(configFile).read();
  const sources = [fileSource(content, configFile), environmentSource(env), flagSource(args)];
  return sources.map((source) => ({ ...source, settings: readSource(source) }));
}

/** What the command line itself says. */
export function readFlags(args: GlobalArgs): Settings {
  return readSource(flagSource(args));
}

/** What the environment says. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Settings {
  return readSource(environmentSource(env));
}

function flagSource(args: GlobalArgs): Source {
  const { noReadReceipts, ...others } = args;
  const readReceipts = noReadReceipts === undefined ? undefined : !noReadReceipts;
  const given: Partial<Readonly<Record<SettingKey, unknown>>> = { ...others, readReceipts };
  const values = Object.fromEntries(SETTING_KEYS.map((key) => [key, given[key]]));
  return { origin: "flag", values, nameOf: flagOf };
}

/** `--discovery-port` of `discoveryPort`. */
export function flagOf(key: string): string {
  // On unless it is switched off.
  return key === "readReceipts" ? "--no-read-receipts" : `--${optionName(key)}`;
}

/** The same flags again, one word each, for another process. */
export function flagWords(flags: Settings): string[] {
  return Object.entries(flags).flatMap(([key, value]) => {
    const items =
      key === "readReceipts" ? [value !== true] : Array.isArray(value) ? value : [value];
    return items.map((item) => `${flagOf(key)}=${String(item)}`);
  });
}

/** `UDPCHAT_DISCOVERY_PORT` of `discoveryPort`. */
export function environmentName(key: string): string {
  return `UDPCHAT_${optionName(key).replaceAll("-", "_").toUpperCase()}`;
}

function environmentSource(env: Readonly<Record<string, string | undefined>>): Source {
  const nameOf = environmentName;
  const values = SETTING_KEYS.map((key): [string, unknown] => {
    const value = env[nameOf(key)];
    // Empty is the shell's way to say not set.
    if (value === undefined || value === "") return [key, undefined];
    return [key, LIST_KEYS.includes(key) ? value.split(",").map((item) => item.trim()) : value];
  });
  return { origin: "environment", values: Object.fromEntries(values), nameOf };
}

/** What a config file with this content says. @throws UdpchatError as `loadSettings` */
export function readContent(content: ConfigContent, path: string): Settings {
  return readSource(fileSource(content, path));
}

function fileSource(content: ConfigContent, path: string): Source {
  const nameOf = (key: string) => `"${key}" in ${path}`;
  // Spelled as the flag as well.
  const values = new Map<string, unknown>();
  for (const [key, value] of Object.entries(content)) {
    if (values.has(toCamel(key))) {
      const message = `${nameOf(toCamel(key))} is given twice, once as "${optionName(key)}"`;
      throw invalid("INVALID_ARGUMENT", message, "remove one of them");
    }
    values.set(toCamel(key), value);
  }
  return { origin: "file", values: Object.fromEntries(values), nameOf };
}

function readSource({ values, nameOf }: Source): Settings {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  let settings: Settings = {};
  for (const [key, value] of given) {
    settings = { ...settings, ...readSetting(key, value, nameOf(key)) };
  }
  return settings;
}

/**
 * One setting, called `label` where it is said.
 * @throws UdpchatError INVALID_NAME, INVALID_PORT, INVALID_DURATION, INVALID_ARGUMENT
 */
export function readSetting(key: string, value: unknown, label: string): Settings {
  let result: v.SafeParseResult<typeof SettingsSchema>;
  try {
    result = v.safeParse(SettingsSchema, { [key]: value });
  } catch (thrown) {
    // The checks of the messenger throw errors of ours.
    if (!(thrown instanceof UdpchatError)) throw thrown;
    throw invalid(thrown.code, `${label}: ${thrown.message}`, thrown.remedy, thrown);
  }
  if (result.success) return definedOnly(result.output);
  const [issue] = result.issues;
  if (issue.type === "strict_object" && key !== "hooks") throw noSetting(key, label);
  throw invalid(
    CODE_OF_KEY[key] ?? "INVALID_ARGUMENT",
    `${label}: ${issue.message}`,
    key === "hooks" ? HOOKS_EXAMPLE : "see udpchat --help",
  );
}

/**
 * The key that is meant by a word: spelled as the flag as well.
 * @throws UdpchatError INVALID_ARGUMENT, naming the nearest one
 */
export function settingKey(word: string): SettingKey {
  if (word === "hooks") {
    throw invalid("INVALID_ARGUMENT", "hooks are not set by a command", HOOKS_EXAMPLE);
  }
  const key = SETTING_KEYS.find((one) => one === toCamel(word));
  if (key === undefined) throw noSetting(word, `"${word}"`);
  return key;
}

function noSetting(key: string, label: string): UdpchatError {
  const meant = nearest(key, [...SETTING_KEYS, "hooks"]);
  const remedy =
    meant === undefined ? `the settings are ${SETTING_KEYS.join(", ")}` : `did you mean ${meant}?`;
  return invalid("INVALID_ARGUMENT", `${label} is no setting`, remedy);
}

function definedOnly(output: v.InferOutput<typeof SettingsSchema>): Settings {
  const { name, port, discoveryPort, interface: interfaces, broadcast, peer, timeout } = output;
  const { requireVerified, store, retention, readReceipts, hooks } = output;
  return {
    ...(name === undefined ? {} : { name }),
    ...(port === undefined ? {} : { port }),
    ...(discoveryPort === undefined ? {} : { discoveryPort }),
    ...(interfaces === undefined ? {} : { interface: interfaces }),
    ...(broadcast === undefined ? {} : { broadcast }),
    ...(peer === undefined ? {} : { peer }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(requireVerified === undefined ? {} : { requireVerified }),
    ...(store === undefined ? {} : { store }),
    ...(retention === undefined ? {} : { retention }),
    ...(readReceipts === undefined ? {} : { readReceipts }),
    ...(hooks === undefined ? {} : { hooks: hookPrograms(hooks) }),
  };
}

function hookPrograms({
  message,
  presence,
}: NonNullable<v.InferOutput<typeof SettingsSchema>["hooks"]>): HookPrograms {
  return {
    ...(message === undefined ? {} : { message }),
    ...(presence === undefined ? {} : { presence }),
  };
}

function invalid(
  code: ErrorCode,
  message: string,
  remedy: string | undefined,
  cause?: unknown,
): UdpchatError {
  return new UdpchatError(code, message, { ...(remedy === undefined ? {} : { remedy }), cause });
}

/** `discoveryPort` of `discovery-port`. */
export function toCamel(key: string): string {
  return key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
