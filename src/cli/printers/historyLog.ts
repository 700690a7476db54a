/** Stored messages for people: a log by days on a terminal, one line each with tabs in a pipe. */
import stringWidth from "fast-string-width";
import type { HistoryLine } from "../../api/lines.js";
import { shortId } from "../../messenger/queuedNames.js";
import { sanitiseName, sanitiseText } from "../../sanitise.js";
import { body, clock, dateText, dayText } from "./conversation.js";
import { type Names, partyText } from "./names.js";
import type { Style } from "./style.js";

/** Longer names push their own line alone. */
const MAX_WHO_COLUMNS = 36;
const OURSELVES = "you";

/** The whole log. The order is that of the lines, which is the same at every member. */
export function historyLog(lines: readonly HistoryLine[], names: Names, style: Style): string {
  names.learn(lines.flatMap(({ from, to }) => (to === null ? [from] : [from, to])));
  const whos = lines.map((line) => whoText(line, names));
  const columns = Math.min(MAX_WHO_COLUMNS, Math.max(...whos.map((who) => stringWidth(who))));
  let shownDay = "";
  return lines
    .map((line, index) => {
      const day = dayText(line.sentAt);
      const separator = day === shownDay ? "" : `${style.strong(`* ${day}`)}\n`;
      shownDay = day;
      return separator + row(line, whos[index] ?? "", columns, style);
    })
    .join("\n");
}

/** One of them alone, with its day in front. */
export function historyRow(line: HistoryLine, names: Names, style: Style): string {
  const day = style.faint(dateText(line.sentAt));
  return `${day} ${row(line, whoText(line, names), 0, style)}`;
}

/** `TIME\tFROM\tTO\tSTATE\tTEXT`, the text on one line. */
export function historyTabs(line: HistoryLine, names: Names): string {
  const from = line.own ? OURSELVES : names.of(line.from);
  return [line.sentAt, from, whitherText(line, names), line.state, oneLine(line.text)].join("\t");
}

/** `0000001c to bob is dropped: Lunch at noon?`. */
export function droppedText(line: HistoryLine, names: Names): string {
  const id = sanitiseName(shortId(line.id));
  return `${id} to ${whitherText(line, names)} is dropped: ${oneLine(line.text)}`;
}

/** A text in a cell. */
export function oneLine(text: string): string {
  return sanitiseText(text).replaceAll("\n", "␊").replaceAll("\t", "␉");
}

function row(line: HistoryLine, who: string, columns: number, style: Style): string {
  const padding = " ".repeat(Math.max(0, columns - stringWidth(who)));
  const mark = markOf(line, style);
  const text = `${body(line.text)}${mark === "" ? "" : ` ${mark}`}`;
  return `${clock(line.sentAt, style)} ${style.strong(who)}${padding}  ${text}`;
}

/** `alice -> you`, `you -> #ops`. Names with such an arrow in them are in quotes. */
function whoText(line: HistoryLine, names: Names): string {
  const conflict = line.from.trust === "conflict" && !line.own ? " (not the one you know)" : "";
  const from = line.own ? OURSELVES : names.of(line.from) + conflict;
  return `${from} -> ${whitherText(line, names)}`;
}

/** Whom it was for. */
export function whitherText({ group, own, to }: HistoryLine, names: Names): string {
  if (group !== null) return sanitiseName(group);
  if (!own || to === null) return OURSELVES;
  return partyText(to, names);
}

/** How far a message of ours came; of others what nobody was shown, if it was said to us alone. */
function markOf({ own, receipts, scope, state }: HistoryLine, style: Style): string {
  if (!own) return state === "unread" && scope === "direct" ? style.good("(new)") : "";
  const others = receipts.length > 1 ? `, ${receipts.length} have it` : "";
  const mark = `(${state}${others})`;
  return state === "undelivered" ? style.bad(mark) : style.faint(mark);
}
