/** Peers and groups in columns: lined up on a terminal, with tabs between them in a pipe. */
import type { GroupLine, PeerLine } from "../../api/lines.js";
import { sanitiseName } from "../../sanitise.js";
import { endpoint, type Names } from "./names.js";
import type { Style } from "./style.js";
import { millisecondsText } from "./units.js";

const PEER_HEAD = ["NAME", "ADDRESS", "STATE", "RTT", "FOUND BY", "ID", "TRUST"];
/** For rows that are printed before the last one is known. */
const PEER_WIDTHS = [20, 23, 9, 9, 12, 10, 36];
const GROUP_HEAD = ["GROUP", "ADDRESS", "MEMBERS", "STANDING", "SECRET"];
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
