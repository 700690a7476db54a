import { type MessageDatabase, messageOf, numberIn, textIn } from "./messageRows.js";
import type { HistoryQuery, MessageStore, StoredMessage } from "./messageStore.js";
import { foldText, trigramQuery } from "./search.js";
import type { SqlRow, SqlValue } from "./sql.js";

/** Looked at one by one rather than met on the way through the history. */
const FEW_ROWS = 5000;
/** Words that are a condition of their own; bounds how many statements there are. */
const MAX_CONDITIONS = 4;
/** Of an export: others write between two pages. */
const PAGE_MESSAGES = 128;

/** Where a message stands. */
interface Place {
  readonly hlc: number;
  readonly author: string;
  readonly id: string;
}

const ASCENDING = "ORDER BY m.hlc, m.author, m.id";
const DESCENDING = "ORDER BY m.hlc DESC, m.author DESC, m.id DESC";

/** A query as SQL: what follows `SELECT ...`, without order and limit. */
interface Selection {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/**
 * What was said, found in one of two ways. If a time, a row or a word leaves few candidates, they
 * are looked at by their rows. Otherwise the history is gone through from its latest end, of one
 * peer or group if there is one, until enough fit: what is common is met soon. No trigram helps
 * with words of one or two characters, as Chinese and Japanese ones are: all texts are looked at
 * until too many have it. The `+` before a column keeps its index out of that.
 */
export class SqlHistory implements Pick<MessageStore, "history" | "export"> {
  readonly #database: MessageDatabase;

  constructor(database: MessageDatabase) {
    this.#database = database;
  }

  history(query: HistoryQuery): StoredMessage[] {
    const { sql, values } = this.#select(query);
    const latestFirst = this.#database
      .prepare(`SELECT m.* ${sql} ${DESCENDING} LIMIT ?`)
      .iterate(...values, query.limit ?? -1);
    const found: StoredMessage[] = [];
    let leftBytes = query.textBytes ?? Number.POSITIVE_INFINITY;
    for (const row of latestFirst) {
      const message = messageOf(row);
      leftBytes -= Buffer.byteLength(message.text);
      if (leftBytes < 0) break;
      found.push(message);
    }
    return found.toReversed();
  }

  /** What was stored when it began. */
  *export(query: HistoryQuery): Generator<StoredMessage, void, undefined> {
    const lastRow = this.#lastRow();
    const { sql, values } = this.#select(query);
    const page = this.#database.prepare(
      `SELECT m.* ${sql} AND +m.row <= ? AND m.hlc >= ?
        AND (m.hlc, m.author, m.id) > (?, ?, ?) ${ASCENDING} LIMIT ?`,
    );
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    let last = this.#before(query, { sql, values });
    while (left > 0) {
      const { hlc, author, id } = last;
      const size = Math.min(left, PAGE_MESSAGES);
      const messages = page.all(...values, lastRow, hlc, hlc, author, id, size).map(messageOf);
      yield* messages;
      left -= messages.length;
      const final = messages.at(-1);
      if (final === undefined || messages.length < size) return;
      last = { hlc: final.hlc, author: final.author.device, id: final.id };
    }
  }

  /** The place that the latest `limit` are behind. */
  #before({ limit }: HistoryQuery, { sql, values }: Selection): Place {
    const found =
      limit === undefined
        ? undefined
        : this.#database
            .prepare(`SELECT m.hlc, m.author, m.id ${sql} ${DESCENDING} LIMIT 1 OFFSET ?`)
            .get(...values, limit);
    if (found === undefined) return { hlc: Number.MIN_SAFE_INTEGER, author: "", id: "" };
    return {
      hlc: numberIn(found, "hlc"),
      author: textIn(found, "author"),
      id: textIn(found, "id"),
    };
  }

  #lastRow(): number {
    const found = this.#database.prepare("SELECT max(row) AS row FROM messages").get();
    return typeof found?.["row"] === "number" ? found["row"] : 0;
  }

  #select(query: HistoryQuery): Selection {
    const words = (query.words ?? []).map(foldText);
    const few = this.#few(query, words);
    const source =
      few === undefined
        ? `FROM messages m INDEXED BY ${pathOf(query)}`
        : "FROM json_each(?) CROSS JOIN messages m ON m.row = json_each.value";
    const conditions = ["true"];
    const values: SqlValue[] = few === undefined ? [] : [JSON.stringify(few)];
    const condition = (sql: string, value: SqlValue | undefined): void => {
      if (value === undefined) return;
      conditions.push(sql);
      values.push(value);
    };
    condition("m.peer = ?", query.device);
    condition("m.group_label = ?", query.groupLabel);
    condition("+m.stored_at_ms >= ?", query.sinceMs);
    condition("+m.row > ?", query.afterRow);
    for (const word of words.slice(0, MAX_CONDITIONS)) {
      condition("instr(t.folded, ?) > 0", word);
    }
    const further = words.slice(MAX_CONDITIONS);
    if (further.length > 0) condition(ALL_OTHERS, JSON.stringify(further));
    const texts = words.length > 0 ? "CROSS JOIN texts t ON t.row = m.row" : "";
    return { sql: `${source} ${texts} WHERE ${conditions.join(" AND ")}`, values };
  }

  /** The rows of all that can fit, if they are few. */
  #few(
    { afterRow, sinceMs, device }: HistoryQuery,
    words: readonly string[],
  ): number[] | undefined {
    const trigrams = trigramQuery(words);
    // What one peer said is gone through as quickly.
    const short = trigrams === undefined && device === undefined ? longestOf(words) : undefined;
    return (
      this.#rows("SELECT row FROM messages WHERE row > ? LIMIT ?", afterRow) ??
      this.#rows("SELECT row FROM messages WHERE stored_at_ms >= ? LIMIT ?", sinceMs) ??
      this.#rows("SELECT rowid AS row FROM trigrams WHERE trigrams MATCH ? LIMIT ?", trigrams) ??
      this.#rows("SELECT row FROM texts WHERE instr(folded, ?) > 0 LIMIT ?", short)
    );
  }

  #rows(sql: string, value: SqlValue | undefined): number[] | undefined {
    if (value === undefined) return undefined;
    const rows: SqlRow[] = this.#database.prepare(sql).all(value, FEW_ROWS + 1);
    return rows.length > FEW_ROWS ? undefined : rows.map((row) => numberIn(row, "row"));
  }
}

const ALL_OTHERS = "NOT EXISTS (SELECT 1 FROM json_each(?) WHERE instr(t.folded, value) = 0)";

function longestOf(words: readonly string[]): string | undefined {
  return words.toSorted((a, b) => b.length - a.length)[0];
}

/** The index that the history is gone through by. */
function pathOf({ device, groupLabel }: HistoryQuery): string {
  if (device !== undefined) return "messages_by_peer";
  return groupLabel === undefined ? "messages_by_hlc" : "messages_by_group";
}
