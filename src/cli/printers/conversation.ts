/** What happens in chats, for people. */
import type {
  GapLine,
  GroupLine,
  InvitationLine,
  MessageLine,
  PeerRefLine,
  PresenceLine,
  ProgressLine,
  RemovedLine,
  RequestLine,
  WarningLine,
} from "../../api/lines.js";
import { shortId } from "../../messenger/queuedNames.js";
import { sanitiseName, sanitiseText, shellWord } from "../../sanitise.js";
import { actionOf } from "../chat/action.js";
import { endpoint, type Names, partyText } from "./names.js";
import type { Style } from "./style.js";

/**
 * Lines of one message after its first. What others say begins with the time of day and what we
 * say with `*`, both in the first column: nobody can write what looks like either, or a prompt.
 */
const CONTINUATION = "\n      ";

/** What happens in a conversation. */
export type ConversationLine =
  | GapLine
  | GroupLine
  | InvitationLine
  | MessageLine
  | PresenceLine
  | RemovedLine
  | WarningLine;

/** Any of them; `withGroup` where several groups are shown. */
export function conversationText(
  line: ConversationLine,
  names: Names,
  style: Style,
  withGroup: boolean,
): string {
  switch (line.type) {
    case "message":
      return messageText(line, names, style, { withGroup });
    case "presence":
      return presenceText(line, names, style, withGroup);
    case "gap":
      return gapText(line, names, style, withGroup);
    case "warning":
      return warningText(line, style);
    case "group":
      names.learn(line.members);
      return joinedText(line, style);
    case "invitation":
      return invitationText(line, names, style);
    case "removed":
      return removedText(line, names, style, withGroup);
  }
}

/** How a message is shown. */
export interface MessageLook {
  readonly withGroup: boolean;
  /** `/me waves` becomes `* alice waves`. */
  readonly withActions?: boolean;
  /** It is meant for us. */
  readonly isMention?: boolean;
}

/**
 * `14:02 alice: hello`, with the group where several are shown. What comes late has the time at
 * which it was said, `2026-11-20 18:31 alice (earlier): hello`, and is faint.
 */
export function messageText(
  line: MessageLine,
  names: Names,
  style: Style,
  { isMention = false, withActions = false, withGroup }: MessageLook,
): string {
  const group = withGroup && line.group !== null ? `${sanitiseName(line.group)} ` : "";
  const action = withActions ? actionOf(line.text) : undefined;
  const name = style.person(names.of(line.from), line.from.id);
  const who = `${name}${markOf(line, withGroup)}${conflictMark(line.from, style)}`;
  const start = action === undefined ? who : `* ${who}`;
  const text = action === undefined ? `: ${body(line.text)}` : ` ${body(action)}`;
  if (line.late) {
    return `${style.faint(`${saidText(line)} ${group}`)}${start}${style.faint(` (earlier)${text}`)}`;
  }
  return `${clock(line.receivedAt, style)} ${group}${start}${isMention ? style.strong(text) : text}`;
}

/** Of today the time of day says enough. */
function saidText({ sentAt, receivedAt }: MessageLine): string {
  const said = sentAt ?? receivedAt;
  const day = dateText(said);
  return day === dateText(receivedAt) ? timeText(said) : `${day} ${timeText(said)}`;
}

/** In a chat of one group what is said to us alone would pass for a line of the group. */
function markOf({ from, scope }: MessageLine, withGroup: boolean): string {
  if (scope === "plain" || from.id === null) return " (plain, unverified)";
  return scope === "direct" && !withGroup ? " (to you alone)" : "";
}

export function requestText(line: RequestLine, names: Names, style: Style): string {
  const who = `${style.strong(names.of(line.from))}${conflictMark(line.from, style)}`;
  return `${clock(new Date().toISOString(), style)} ${who} asks: ${body(line.text)}`;
}

/** Behind a name that stands for somebody else. */
function conflictMark({ trust }: PeerRefLine, style: Style): string {
  return trust === "conflict" ? style.bad(" (not the one you know)") : "";
}

const PRESENCE_VERB = {
  join: "joined",
  leave: "left",
  online: "is online",
  offline: "is offline",
} as const;

/** `* alice joined (3 online)`. */
function presenceText(line: PresenceLine, names: Names, style: Style, withGroup: boolean): string {
  const group = withGroup && line.group !== null ? placeText(line.event, line.group) : "";
  const who = `${style.faint(`* ${names.of(line.peer)}`)}${conflictMark(line.peer, style)}`;
  return who + style.faint(` ${PRESENCE_VERB[line.event]}${group} (${line.online} online)`);
}

/** ` #ops` behind who joined or left it, ` in #ops` behind who is online there. */
function placeText(event: PresenceLine["event"], group: string): string {
  const isState = event === "online" || event === "offline";
  return `${isState ? " in" : ""} ${sanitiseName(group)}`;
}

/** We are in. */
function joinedText(line: GroupLine, style: Style): string {
  const online = line.members.length + 1;
  return style.faint(`* you joined ${sanitiseName(line.group)} (${online} online)`);
}

function gapText(line: GapLine, names: Names, style: Style, withGroup: boolean): string {
  const group = withGroup ? ` in ${sanitiseName(line.group)}` : "";
  const lost = line.count === 1 ? "1 message part" : `${line.count} message parts`;
  return style.bad(`* ${lost} of ${names.of(line.from)} lost for good${group}`);
}

/** `* bob was removed by alice: ...`. */
function removedText(line: RemovedLine, names: Names, style: Style, withGroup: boolean): string {
  names.learn([line.peer, line.by]);
  const group = withGroup ? ` from ${sanitiseName(line.group)}` : "";
  const who = `${style.strong(`* ${names.of(line.peer)}`)}${conflictMark(line.peer, style)}`;
  const by = `${style.strong(names.of(line.by))}${conflictMark(line.by, style)}`;
  return `${who}${style.strong(` was removed${group} by `)}${by}`;
}

/** `* alice (10.77.0.1:22400) invites you to #ops: udpchat join '#ops' --secret`. */
function invitationText(line: InvitationLine, names: Names, style: Style): string {
  const group = sanitiseName(line.group);
  const who = `${style.strong(`* ${names.of(line.from)}`)}${conflictMark(line.from, style)}`;
  const what = `invites you to ${group}: udpchat join ${shellWord(line.group)} --secret`;
  return who + style.strong(` (${endpoint(line.from)}) ${what}`);
}

/** What became of a message that was sent before: `* bob has read message 0000001c`. */
export function progressText(line: ProgressLine, names: Names, style: Style): string {
  const whom = partyText(line.to, names);
  const id = sanitiseName(shortId(line.id));
  switch (line.status) {
    case "read":
      return style.faint(`* ${whom} has read message ${id}`);
    case "delivered":
      return style.faint(`* ${whom} has message ${id}`);
    case "undelivered":
      return style.bad(
        `* message ${id} to ${whom} is given up: it was not delivered (udpchat history)`,
      );
  }
}

function warningText(line: WarningLine, style: Style): string {
  return style.bad(`* warning: ${sanitiseName(line.message)}`);
}

/** A text behind who said it. */
export function body(text: string): string {
  return sanitiseText(text).replace(/\n+$/, "").replaceAll("\n", CONTINUATION);
}

/** Local time of day. */
export function clock(timestamp: string, style: Style): string {
  return style.faint(timeText(timestamp));
}

function timeText(timestamp: string): string {
  const date = new Date(timestamp);
  return `${digits(date.getHours(), 2)}:${digits(date.getMinutes(), 2)}`;
}

/** `2026-11-20`, local. */
export function dateText(timestamp: string): string {
  const date = new Date(timestamp);
  const [year, month, day] = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`;
}

const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** `Friday 2026-11-20`, local. */
export function dayText(timestamp: string): string {
  return `${WEEKDAYS[new Date(timestamp).getDay()] ?? ""} ${dateText(timestamp)}`;
}

function digits(number: number, count: number): string {
  return String(number).padStart(count, "0");
}
