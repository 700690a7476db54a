import type { SettingLine } from "../../../api/lines.js";
import { defaultNickname } from "../../../messenger/nickname.js";
import { DEFAULT_DATA_PORT, DEFAULT_DISCOVERY_PORT } from "../../../messenger/types.js";
import { DEFAULT_TIMEOUT_MS } from "../../../messenger/waiting.js";
import type { CommandContext } from "../../context.js";
import { writtenDuration } from "../../duration.js";
import { SETTING_KEYS, type SettingKey, type Settings, settingsBySource } from "../../settings.js";

type Value = SettingLine["value"];

/**
 * Every setting, in the order of the table.
 * @throws UdpchatError as `loadSettings`
 */
export async function settingLines({ args, io, paths }: CommandContext): Promise<SettingLine[]> {
  const sources = await settingsBySource(args, io.env, paths.configFile);
  return SETTING_KEYS.map((key) => {
    const said = sources.findLast(({ settings }) => settings[key] !== undefined);
    if (said === undefined) {
      return { type: "setting", key, value: defaultValue(key), source: "default", origin: null };
    }
    const { origin: source, settings, nameOf } = said;
    const origin = source === "file" ? paths.configFile : nameOf(key);
    return { type: "setting", key, value: writtenValue(key, settings), source, origin };
  });
}

/** As it is written in the config file. */
export function writtenValue(key: SettingKey, settings: Settings): Value {
  const value = settings[key];
  if (value === undefined) return null;
  if ((key === "timeout" || key === "retention") && typeof value === "number") {
    return writtenDuration(value);
  }
  return typeof value === "object" ? [...value] : value;
}

function defaultValue(key: SettingKey): Value {
  switch (key) {
    case "name":
      return defaultNickname();
    case "port":
      return DEFAULT_DATA_PORT;
    case "discoveryPort":
      return DEFAULT_DISCOVERY_PORT;
    case "interface":
    case "retention":
      return null;
    case "broadcast":
    case "peer":
      return [];
    case "timeout":
      return writtenDuration(DEFAULT_TIMEOUT_MS);
    case "requireVerified":
      return false;
    case "store":
      return "disk";
    case "readReceipts":
      return true;
  }
}
