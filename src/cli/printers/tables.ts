/** Peers, groups and queued messages in columns: lined up on a terminal, with tabs between them in a pipe. */
import stringWidth from "fast-string-width";
import type { GroupLine, HistoryLine, PeerLine, SettingLine } from "../../api/lines.js";
import { shortestEndings } from "../../messenger/queuedNames.js";
import { sanitiseName } from "../../sanitise.js";
import { oneLine, whitherText } from "./historyLog.js";
import { endpoint, type Names } from "./names.js";
import { settingCells } from "./settingText.js";
import type { Style } from "./style.js";
import { millisecondsText, roughDurationText } from "./units.js";

const PEER_HEAD = ["NAME", "ADDRESS", "STATE", "RTT", "FOUND BY", "ID", "TRUST"];
/** For rows that are printed before the last one is known. */
const PEER_WIDTHS = [20, 23, 9, 9, 12, 10, 36];
const GROUP_HEAD = ["GROUP", "ADDRESS", "MEMBERS", "STANDING", "SECRET", "TRANSPORT"];
const SETTING_HEAD = ["SETTING", "VALUE", "FROM"];
const OUTBOX_HEAD = ["ID", "TO", "AGE", "EXPIRES IN", "TEXT"];
const OUTBOX_TEXT_COLUMNS = 40;
const SHORT_ID_DIGITS = 8;

/** One row with tabs; the id is complete, and trust the word that JSON has. */
export function peerTabs(peer: PeerLine, names: Names): string {
  return [...peerCells(peer, names), sanitiseName(peer.id), peer.trust].join("\t");
}

export function groupTabs(group: GroupLine): string {
  return groupCells(group).join("\t");
}

/** Column heads for `peerRow`. */
export function peerRowHead(style: Style): Promise<string> {
  return table([], PEER_HEAD.map(style.strong), PEER_WIDTHS);
}

/** One row in columns of fixed width. */
export function peerRow(peer: PeerLine, names: Names, style: Style): Promise<string> {
  return table([styledPeerCells(peer, names, style)], undefined, PEER_WIDTHS);
}

/** All rows, as wide as they need. */
export function peerTable(peers: readonly PeerLine[], names: Names, style: Style): Promise<string> {
  const rows = peers.map((peer) => styledPeerCells(peer, names, style));
  return table(rows, PEER_HEAD.map(style.strong));
}

export function groupTable(groups: readonly GroupLine[], style: Style): Promise<string> {
  return table(groups.map(groupCells), GROUP_HEAD.map(style.strong));
}

export function settingTable(lines: readonly SettingLine[], style: Style): Promise<string> {
  return table(lines.map(settingCells), SETTING_HEAD.map(style.strong));
}

export function outboxTable(
  lines: readonly HistoryLine[],
  names: Names,
  style: Style,
  nowMs: number,
): Promise<string> {
  const endings = shortestEndings(lines.map(({ id }) => id));
  const rows = lines.map((line) => [
    sanitiseName(endings.get(line.id) ?? line.id),
    style.strong(whitherText(line, names)),
    roughDurationText(nowMs - Date.parse(line.sentAt)),
    line.expiresAt === null ? "-" : roughDurationText(Date.parse(line.expiresAt) - nowMs),
    beginning(oneLine(line.text)),
  ]);
  return table(rows, OUTBOX_HEAD.map(style.strong));
}

/** One row with tabs: the id, the times and the text are complete. */
export function outboxTabs(line: HistoryLine, names: Names): string {
  const { id, sentAt, expiresAt } = line;
  const cells = [sanitiseName(id), whitherText(line, names), sentAt, expiresAt ?? "-"];
  return [...cells, oneLine(line.text)].join("\t");
}

/** As much as fits, cut between characters. */
function beginning(text: string): string {
  let columns = 0;
  let fitting = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    columns += stringWidth(segment);
    if (columns > OUTBOX_TEXT_COLUMNS) return `${fitting}…`;
    fitting += segment;
  }
  return fitting;
}

function styledPeerCells(peer: PeerLine, names: Names, style: Style): string[] {
  const [name = "", address = "", state = "", ...others] = peerCells(peer, names);
  const shownState = peer.state === "online" ? style.good(state) : style.faint(state);
  const id = style.faint(sanitiseName(peer.id.slice(0, SHORT_ID_DIGITS)));
  return [style.strong(name), address, shownState, ...others, id, trustCell(peer, style)];
}

function trustCell({ name, trust }: PeerLine, style: Style): string {
  switch (trust) {
    case "verified":
      return style.good("verified ✓");
    case "conflict":
      return style.bad(`not the ${sanitiseName(name)} you know`);
    case "blocked":
      return style.bad(trust);
    case "known":
    case "unknown":
      return style.faint(trust);
  }
}

function peerCells(peer: PeerLine, names: Names): string[] {
  const rtt = peer.rttMs === null ? "-" : millisecondsText(peer.rttMs);
  return [names.of(peer), endpoint(peer), peer.state, rtt, peer.via];
}

function groupCells(group: GroupLine): string[] {
  return [
    sanitiseName(group.group),
    endpoint(group),
    String(group.members.length + 1),
    group.standing ? "yes" : "no",
    group.secret ? "yes" : "no",
    group.transport,
  ];
}

const NO_BORDERS = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "",
};

/** Where a cell was too long, cli-table3 cuts it at a UTF-16 code unit: perhaps inside an emoji. */
const HALF_CHARACTERS = /\p{Cs}/gu;

/** Loaded only when a table is drawn. */
async function table(
  rows: readonly string[][],
  head: string[] | undefined,
  widths?: number[],
): Promise<string> {
  const { default: Table } = await import("cli-table3");
  const drawn = new Table({
    ...(head === undefined ? {} : { head }),
    ...(widths === undefined ? {} : { colWidths: widths }),
    chars: NO_BORDERS,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2 },
  });
  drawn.push(...rows);
  return drawn
    .toString()
    .replace(HALF_CHARACTERS, "")
    .split("\n")
    .map((row) => row.trimEnd())
    .join("\n");
}
