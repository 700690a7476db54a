/** What happens in chats, for people. */
import type {
  GapLine,
  GroupLine,
  MessageLine,
  PresenceLine,
  RequestLine,
  WarningLine,
} from "../../api/lines.js";
import { sanitiseName, sanitiseText } from "../sanitise.js";
import type { Names } from "./names.js";
import type { Style } from "./style.js";

/** Lines of one message after its first: nobody can write what looks like another's line. */
const CONTINUATION = "\n      ";

/** `14:02 alice: hello`, with the group where several are shown. */
export function messageText(
  line: MessageLine,
  names: Names,
  style: Style,
  withGroup: boolean,
): string {
  const group = withGroup && line.group !== null ? `${sanitiseName(line.group)} ` : "";
  const mark = line.scope === "plain" || line.from.id === null ? " (plain, unverified)" : "";
  const who = `${style.strong(names.of(line.from))}${mark}`;
  return `${clock(line.receivedAt, style)} ${group}${who}: ${body(line.text)}`;
}

export function requestText(line: RequestLine, names: Names, style: Style): string {
  const who = style.strong(names.of(line.from));
  return `${clock(new Date().toISOString(), style)} ${who} asks: ${body(line.text)}`;
}

const PRESENCE_VERB = {
  join: "joined",
  leave: "left",
  online: "is online",
  offline: "is offline",
} as const;

/** `* alice joined (3 online)`. */
export function presenceText(
  line: PresenceLine,
  names: Names,
  style: Style,
  withGroup: boolean,
): string {
  const group =
    withGroup && line.group !== null && (line.event === "join" || line.event === "leave")
      ? ` ${sanitiseName(line.group)}`
      : "";
  const what = `${names.of(line.peer)} ${PRESENCE_VERB[line.event]}${group}`;
  return style.faint(`* ${what} (${line.online} online)`);
}

/** We are in. */
export function joinedText(line: GroupLine, style: Style): string {
  const online = line.members.length + 1;
  return style.faint(`* you joined ${sanitiseName(line.group)} (${online} online)`);
}

export function gapText(line: GapLine, names: Names, style: Style, withGroup: boolean): string {
  const group = withGroup ? ` in ${sanitiseName(line.group)}` : "";
  const lost = line.count === 1 ? "1 message part" : `${line.count} message parts`;
  return style.bad(`* ${lost} of ${names.of(line.from)} lost for good${group}`);
}

export function warningText(line: WarningLine, style: Style): string {
  return style.bad(`* warning: ${sanitiseName(line.message)}`);
}

function body(text: string): string {
  return sanitiseText(text).replace(/\n+$/, "").replaceAll("\n", CONTINUATION);
}

/** Local time of day. */
function clock(timestamp: string, style: Style): string {
  const date = new Date(timestamp);
  const twoDigits = (number: number): string => String(number).padStart(2, "0");
  return style.faint(`${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`);
}
