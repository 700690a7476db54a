import type { LogLine } from "../../api/lines.js";
import { sanitiseName, toJson } from "../../sanitise.js";
import { dateText } from "./conversation.js";
import type { Style } from "./style.js";

/** `2026-01-31 08:15:02 warn: the wanted port is taken port=22400`. */
export function logText({ time, level, message, fields }: LogLine, style: Style): string {
  const when = time === null ? "" : `${style.faint(`${dateText(time)} ${secondsText(time)}`)} `;
  const details = Object.entries(fields).map(
    ([name, value]) => `${sanitiseName(name)}=${valueText(value)}`,
  );
  const tail = details.length === 0 ? "" : ` ${style.faint(details.join(" "))}`;
  return `${when}${levelText(level, style)}: ${sanitiseName(message)}${tail}`;
}

function levelText(level: LogLine["level"], style: Style): string {
  switch (level) {
    case "warn":
    case "error":
    case "fatal":
      return style.bad(level);
    case "info":
      return style.good(level);
    case "debug":
      return style.faint(level);
  }
}

/** Words as they are, the rest as JSON. */
function valueText(value: unknown): string {
  if (typeof value === "string") {
    const shown = sanitiseName(value);
    return /^[\w./:~+#-]+$/.test(shown) ? shown : toJson([shown]).slice(1, -1);
  }
  return sanitiseName(toJson([value]).slice(1, -1));
}

/** Local time of day, to the second. */
function secondsText(timestamp: string): string {
  const time = new Date(timestamp);
  const parts = [time.getHours(), time.getMinutes(), time.getSeconds()];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}
