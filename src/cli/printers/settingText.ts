/** Settings, and what became of them, for people. */
import type { ReloadedLine, SettingLine } from "../../api/lines.js";
import { sanitiseName } from "../../sanitise.js";

/** What no value at all means. */
const WITHOUT: Readonly<Record<string, string>> = { interface: "all", retention: "for ever" };

/** `name = bob (config file)`. */
export function settingText(line: SettingLine): string {
  return `${sanitiseName(line.key)} = ${valueText(line)} (${originText(line)})`;
}

export function settingCells(line: SettingLine): string[] {
  return [sanitiseName(line.key), valueText(line), originText(line)];
}

/** One row with tabs; no value is an empty cell. */
export function settingTabs({ key, value, source }: SettingLine): string {
  const shown = Array.isArray(value) ? value.join(",") : String(value ?? "");
  return [sanitiseName(key), sanitiseName(shown), source].join("\t");
}

export function reloadedText({ changed, restart }: ReloadedLine): string {
  const list = (keys: readonly string[]): string => keys.map(sanitiseName).join(", ");
  if (changed.length === 0 && restart.length === 0) {
    return "the daemon goes on as before (what it was started with goes before the file)";
  }
  const parts = [];
  if (changed.length > 0) parts.push(`the daemon goes on with another ${list(changed)}`);
  if (restart.length > 0) {
    parts.push(`${list(restart)} changes when it is started again: udpchat stop, udpchat start`);
  }
  return parts.join("; ");
}

function valueText({ key, value }: SettingLine): string {
  if (value === null) return WITHOUT[key] ?? "none";
  if (!Array.isArray(value)) return sanitiseName(String(value));
  return value.length === 0 ? "none" : value.map(sanitiseName).join(", ");
}

function originText({ source, origin }: SettingLine): string {
  if (source === "default" || origin === null) return source;
  return source === "file" ? "config file" : sanitiseName(origin);
}
