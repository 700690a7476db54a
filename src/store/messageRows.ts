/** Rows of the table of messages as messages, and back. */

import { OWN_STATES } from "./messageStates.js";
import type { MessageState, NewMessage, StoredMessage, StoredParty } from "./messageStore.js";
import { wellFormed } from "./search.js";
import type { SqlRow, SqlStatement, SqlValue } from "./sql.js";
import { StoreFailure } from "./storeFailure.js";

/** What the tables are kept in: a database that steps of several statements can be run in. */
export interface MessageDatabase {
  prepare(sql: string): SqlStatement;
  /** As `MessageStore.batch`. */
  batch<T>(durability: "promise" | "soon", work: () => T): T;
  close(): void;
}

const COLUMNS = [
  ...["id", "author", "author_name", "author_address", "author_port", "own", "peer", "text"],
  ...[
    "sent_at_ms",
    "stored_at_ms",
    "hlc",
    "state",
    "to_device",
    "to_name",
    "to_address",
    "to_port",
  ],
  ...["group_id", "group_label", "incarnation", "sequence", "expires_at_ms", "require_verified"],
  "client_id",
];

/** Nothing happens if its id or its client's is there. */
export const INSERT_MESSAGE = `INSERT INTO messages (${COLUMNS.join(", ")})
  VALUES (${COLUMNS.map(() => "?").join(", ")}) ON CONFLICT DO NOTHING RETURNING row`;

/**
 * A message as both stores keep it: without what UTF-8 cannot hold. All have the same fields in the
 * same order, which V8 is quick with.
 */
export function storedAs(row: number, message: NewMessage): StoredMessage {
  const { id, author, own, text, sentAtMs, storedAtMs, hlc, state } = message;
  const { to, group, outbox, clientId } = message;
  return {
    row,
    id,
    author: storableParty(author),
    own,
    text: wellFormed(text),
    sentAtMs,
    storedAtMs,
    hlc,
    state,
    to: to === undefined ? undefined : storableParty(to),
    group,
    outbox,
    clientId,
  };
}

/** The same one where nothing is to be replaced: thousands of messages share it. */
export function storableParty(party: StoredParty): StoredParty {
  const name = wellFormed(party.name);
  return name === party.name ? party : { ...party, name };
}

/** Whose conversation a message is in: the other side of a direct one, the author of a line. */
export function peerOf({
  own,
  author,
  to,
  group,
}: Pick<NewMessage, "own" | "author" | "to" | "group">): string {
  return own && group === undefined && to !== undefined ? to.device : author.device;
}

/** For {@link INSERT_MESSAGE}. */
export function valuesOf(message: NewMessage): SqlValue[] {
  const { author, to, group, outbox } = message;
  return [
    ...[
      message.id,
      ...partyValues(author),
      message.own ? 1 : 0,
      peerOf(message),
      escaped(message.text),
    ],
    ...[message.sentAtMs, message.storedAtMs, message.hlc, message.state],
    ...(to === undefined ? [null, null, null, null] : partyValues(to)),
    ...[group?.groupId ?? null, group?.label ?? null],
    ...[group?.datagram?.incarnation ?? null, group?.datagram?.sequence ?? null],
    ...[outbox?.expiresAtMs ?? null, outbox === undefined ? null : outbox.requireVerified ? 1 : 0],
    message.clientId ?? null,
  ];
}

/** Device, name, address, port. */
export function partyValues({ device, name, address, port }: StoredParty): SqlValue[] {
  return [device, escaped(name), address, port];
}

/** @throws StoreFailure `damaged` if the row is none that we wrote */
export function messageOf(row: SqlRow): StoredMessage {
  return {
    row: numberIn(row, "row"),
    id: textIn(row, "id"),
    author: {
      device: textIn(row, "author"),
      name: textIn(row, "author_name"),
      address: textIn(row, "author_address"),
      port: numberIn(row, "author_port"),
    },
    own: row["own"] === 1,
    text: textIn(row, "text"),
    sentAtMs: numberIn(row, "sent_at_ms"),
    storedAtMs: numberIn(row, "stored_at_ms"),
    hlc: numberIn(row, "hlc"),
    state: stateIn(row),
    to: recipientIn(row),
    group: row["group_id"] === null ? undefined : lineOf(row),
    outbox:
      row["expires_at_ms"] === null
        ? undefined
        : {
            expiresAtMs: numberIn(row, "expires_at_ms"),
            requireVerified: row["require_verified"] === 1,
          },
    clientId: row["client_id"] === null ? undefined : textIn(row, "client_id"),
  };
}

/** Of the columns `to_...`; undefined of a group line. */
export function recipientIn(row: SqlRow): StoredParty | undefined {
  return row["to_device"] === null ? undefined : recipientOf(row);
}

/** Of the columns `to_...`. */
export function recipientOf(row: SqlRow): StoredParty {
  return {
    device: textIn(row, "to_device"),
    name: textIn(row, "to_name"),
    address: textIn(row, "to_address"),
    port: numberIn(row, "to_port"),
  };
}

function lineOf(row: SqlRow): StoredMessage["group"] {
  return {
    groupId: textIn(row, "group_id"),
    label: textIn(row, "group_label"),
    datagram:
      row["incarnation"] === null
        ? undefined
        : { incarnation: textIn(row, "incarnation"), sequence: numberIn(row, "sequence") },
  };
}

const STATES: readonly MessageState[] = [...OWN_STATES, "unread"];

function stateIn(row: SqlRow): MessageState {
  const state = STATES.find((known) => known === row["state"]);
  if (state === undefined) throw unreadable("state");
  return state;
}

export function textIn(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw unreadable(column);
  return unescaped(value);
}

/** A noncharacter, kept by Unicode for uses like this (section 23.7): texts hardly ever have it. */
const ESCAPE = "\uFFFE";

/** Without NUL: `node:sqlite` of Node 22 reads a text up to its first one. */
function escaped(text: string): string {
  if (!text.includes("\0") && !text.includes(ESCAPE)) return text;
  return text.replaceAll(ESCAPE, `${ESCAPE}1`).replaceAll("\0", `${ESCAPE}0`);
}

function unescaped(text: string): string {
  if (!text.includes(ESCAPE)) return text;
  return text.replaceAll(`${ESCAPE}0`, "\0").replaceAll(`${ESCAPE}1`, ESCAPE);
}

export function numberIn(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value !== "number") throw unreadable(column);
  return value;
}

export function bytesIn(row: SqlRow, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw unreadable(column);
  return value;
}

/** No program of ours wrote it: as pages that SQLite itself cannot read. */
function unreadable(column: string): StoreFailure {
  return new StoreFailure("damaged", "the database", new Error(`there is no ${column}`));
}
