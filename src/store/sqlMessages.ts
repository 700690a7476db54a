import {
  INSERT_MESSAGE,
  type MessageDatabase,
  messageOf,
  numberIn,
  storedAs,
  textIn,
  valuesOf,
} from "./messageRows.js";
import { mayBecome, OWN_STATES } from "./messageStates.js";
import type { MessageStore, NewMessage, OwnState, StoredMessage } from "./messageStore.js";
import { foldText } from "./search.js";

/** Messages by their ids, what becomes of them, and whether a person saw them. */
export class SqlMessages
  implements
    Pick<MessageStore, "add" | "find" | "findByClientId" | "setState" | "prune" | "unread">,
    Pick<MessageStore, "markRead" | "receiptsOwed" | "receiptsPaid">
{
  readonly #database: MessageDatabase;

  constructor(database: MessageDatabase) {
    this.#database = database;
  }

  add(message: NewMessage): StoredMessage | undefined {
    const database = this.#database;
    const kept = storedAs(0, message);
    return database.batch("soon", () => {
      const inserted = database.prepare(INSERT_MESSAGE).get(...valuesOf(kept));
      if (inserted === undefined) return undefined;
      const row = numberIn(inserted, "row");
      database.prepare("INSERT INTO texts VALUES (?, ?)").run(row, foldText(kept.text));
      return { ...kept, row };
    });
  }

  find(author: string, id: string): StoredMessage | undefined {
    const found = this.#database
      .prepare("SELECT * FROM messages WHERE id = ? AND author = ?")
      .get(id, author);
    return found === undefined ? undefined : messageOf(found);
  }

  findByClientId(clientId: string): StoredMessage | undefined {
    const found = this.#database
      .prepare("SELECT * FROM messages WHERE client_id = ?")
      .get(clientId);
    return found === undefined ? undefined : messageOf(found);
  }

  setState(author: string, id: string, state: OwnState): void {
    this.#database
      .prepare(
        `UPDATE messages SET state = ?
          WHERE id = ? AND author = ? AND own = 1 AND state IN (${statesBefore(state)})`,
      )
      .run(state, id, author);
  }

  unread(ids: readonly string[]): { readonly author: string; readonly id: string }[] {
    const found = this.#database.prepare(
      `SELECT author, id FROM messages
        WHERE id = ? AND state = 'unread' AND group_id IS NULL ORDER BY row`,
    );
    return [...new Set(ids)]
      .flatMap((id) => found.all(id))
      .map((row) => ({ author: textIn(row, "author"), id: textIn(row, "id") }));
  }

  markRead(author: string, ids: readonly string[], owed: boolean): string[] {
    const update = this.#database.prepare(
      `UPDATE messages SET state = 'read', receipt_owed = ?
        WHERE id = ? AND author = ? AND state = 'unread' AND group_id IS NULL`,
    );
    return this.#database.batch("soon", () =>
      ids.filter((id) => update.run(owed ? 1 : 0, id, author) > 0),
    );
  }

  receiptsOwed(author: string, limit: number): string[] {
    return this.#database
      .prepare("SELECT id FROM messages WHERE author = ? AND receipt_owed = 1 ORDER BY row LIMIT ?")
      .all(author, limit)
      .map((row) => textIn(row, "id"));
  }

  receiptsPaid(author: string, ids: readonly string[]): void {
    const update = this.#database.prepare(
      "UPDATE messages SET receipt_owed = 0 WHERE id = ? AND author = ? AND receipt_owed = 1",
    );
    this.#database.batch("soon", () => {
      for (const id of ids) update.run(id, author);
    });
  }

  prune(beforeMs: number | undefined, keep: number, atMost = Number.MAX_SAFE_INTEGER): number {
    const database = this.#database;
    return database.batch("soon", () => {
      let pruned = 0;
      if (beforeMs !== undefined) {
        pruned += database
          .prepare(
            `DELETE FROM messages WHERE row IN (
              SELECT row FROM messages INDEXED BY messages_by_storing
                WHERE stored_at_ms < ? AND state <> 'queued' ORDER BY stored_at_ms, row LIMIT ?)`,
          )
          .run(beforeMs, atMost);
      }
      const excess = pruned < atMost ? this.#count() - keep : 0;
      if (excess > 0) {
        pruned += database
          .prepare(
            `DELETE FROM messages WHERE row IN (
              SELECT row FROM (SELECT row, state FROM messages ORDER BY row LIMIT ?)
                WHERE state <> 'queued' LIMIT ?)`,
          )
          .run(excess, atMost - pruned);
      }
      // Looks at all of them: once, at the end of a series of steps.
      if (pruned < atMost) database.prepare(FORGET_GROUP_RECEIPTS).run();
      return pruned;
    });
  }

  /** Takes 10 ms for a million. */
  #count(): number {
    const counted = this.#database.prepare("SELECT count(*) AS count FROM messages").get() ?? {};
    return numberIn(counted, "count");
  }
}

/** From which a message of ours may become this one, as SQL. */
function statesBefore(state: OwnState): string {
  return OWN_STATES.filter((before) => mayBecome(before, state))
    .map((before) => `'${before}'`)
    .join(", ");
}

/** Those of incarnations that no line is left of. */
const FORGET_GROUP_RECEIPTS = `DELETE FROM group_receipts WHERE NOT EXISTS (
  SELECT 1 FROM messages INDEXED BY messages_said
    WHERE messages.group_id = group_receipts.group_id
      AND messages.incarnation = group_receipts.incarnation AND messages.incarnation IS NOT NULL)`;
