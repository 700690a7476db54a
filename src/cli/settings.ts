/** What flags, environment and config file say together. */
import { readFile, stat } from "node:fs/promises";
import { isIPv4 } from "node:net";
import * as v from "valibot";
import { MAX_TIMEOUT_MS } from "../api/operations.js";
import type { HookPrograms } from "../daemon/hooks.js";
import { type ErrorCode, errnoOf, UdpchatError } from "../errors.js";
import { checkedNickname } from "../messenger/nickname.js";
import { checkedPort } from "../messenger/target.js";
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
type Key = (typeof SETTING_KEYS)[number];

const CODE_OF_KEY: Partial<Readonly<Record<string, ErrorCode>>> = {
  name: "INVALID_NAME",
  port: "INVALID_PORT",
  discoveryPort: "INVALID_PORT",
  timeout: "INVALID_DURATION",
  retention: "INVALID_DURATION",
};

/** `--retention 90` is no 90 days: whoever forgets the unit does not lose everything. */
const MIN_RETENTION_MS = 3_600_000;
/** Ours have some hundred bytes; whatever else lies there must not fill our memory. */
const MAX_FILE_BYTES = 1024 * 1024;
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

/** Where a value came from, and what its key is called there. */
interface Source {
  readonly values: Readonly<Record<string, unknown>>;
  readonly nameOf: (key: string) => string;
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
  return {
    ...readSource(await fileSource(configFile)),
    ...readSource(environmentSource(env)),
    ...readFlags(args),
  };
}

/** What the command line itself says. */
export function readFlags(args: GlobalArgs): Settings {
  const { noReadReceipts, ...others } = args;
  const readReceipts = noReadReceipts === undefined ? undefined : !noReadReceipts;
  const given: Partial<Readonly<Record<Key, unknown>>> = { ...others, readReceipts };
  return readSource({
    values: Object.fromEntries(SETTING_KEYS.map((key) => [key, given[key]])),
    nameOf: flagOf,
  });
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
  const lists: readonly Key[] = ["interface", "broadcast", "peer"];
  const values = SETTING_KEYS.map((key): [string, unknown] => {
    const value = env[nameOf(key)];
    // Empty is the shell's way to say not set.
    if (value === undefined || value === "") return [key, undefined];
    return [key, lists.includes(key) ? value.split(",").map((item) => item.trim()) : value];
  });
  return { values: Object.fromEntries(values), nameOf };
}

async function fileSource(path: string): Promise<Source> {
  const nameOf = (key: string) => `"${key}" in ${path}`;
  let text: string;
  try {
    if ((await stat(path)).size > MAX_FILE_BYTES) {
      throw invalid(
        "INVALID_ARGUMENT",
        `${path} has more than ${MAX_FILE_BYTES} bytes`,
        "correct it",
      );
    }
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return { values: {}, nameOf };
    if (cause instanceof UdpchatError) throw cause;
    throw invalid("INVALID_ARGUMENT", `cannot read ${path}`, "check its permissions", cause);
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw invalid("INVALID_ARGUMENT", `${path} is not JSON`, "correct it or remove it", cause);
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw invalid("INVALID_ARGUMENT", `${path} holds no JSON object`, "correct it or remove it");
  }
  // Spelled as the flag as well.
  const values = new Map<string, unknown>();
  for (const [key, value] of Object.entries(content)) {
    if (values.has(toCamel(key))) {
      const message = `${nameOf(toCamel(key))} is given twice, once as "${optionName(key)}"`;
      throw invalid("INVALID_ARGUMENT", message, "remove one of them");
    }
    values.set(toCamel(key), value);
  }
  return { values: Object.fromEntries(values), nameOf };
}

function readSource({ values, nameOf }: Source): Settings {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  let settings: Settings = {};
  for (const [key, value] of given) {
    settings = { ...settings, ...readOne(key, value, nameOf(key)) };
  }
  return settings;
}

function readOne(key: string, value: unknown, label: string): Settings {
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
  if (issue.type === "strict_object" && key !== "hooks") {
    const meant = nearest(key, [...SETTING_KEYS, "hooks"]);
    throw invalid(
      "INVALID_ARGUMENT",
      `${label} is no setting`,
      meant === undefined
        ? `the settings are ${SETTING_KEYS.join(", ")}`
        : `did you mean ${meant}?`,
    );
  }
  throw invalid(
    CODE_OF_KEY[key] ?? "INVALID_ARGUMENT",
    `${label}: ${issue.message}`,
    key === "hooks" ? HOOKS_EXAMPLE : "see udpchat --help",
  );
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

function toCamel(key: string): string {
  return key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
