import { type MessageDatabase, messageOf, numberIn, recipientOf } from "./messageRows.js";
import type { MessageStore, OutboxTerms, StoredMessage, StoredParty } from "./messageStore.js";

const QUEUED = "FROM messages INDEXED BY messages_queued WHERE state = 'queued'";
const EXPIRING = `FROM messages INDEXED BY messages_expiring
  WHERE state IN ('queued', 'sent') AND expires_at_ms IS NOT NULL`;

/** Messages that wait for their recipients. */
export class SqlOutbox
  implements Pick<MessageStore, "outbox" | "recipients" | "requeue" | "expired" | "nextExpiryMs">
{
  readonly #database: MessageDatabase;

  constructor(database: MessageDatabase) {
    this.#database = database;
  }

  outbox(to?: string, limit = -1): StoredMessage[] {
    const port = to?.lastIndexOf(":") ?? -1;
    if (to === undefined) return this.#all(`${QUEUED} ORDER BY row LIMIT ?`, limit);
    if (port === -1) {
      return this.#all(`${QUEUED} AND to_device = ? ORDER BY row LIMIT ?`, to, limit);
    }
    return this.#all(
      `${QUEUED} AND to_device = '' AND to_address = ? AND to_port = ? ORDER BY row LIMIT ?`,
      ...[to.slice(0, port), Number(to.slice(port + 1)), limit],
    );
  }

  recipients(): StoredParty[] {
    // SQLite takes the other columns from the row of the max(): "Bare columns in an aggregate query".
    return this.#database
      .prepare(
        `SELECT to_device, to_name, to_address, to_port, max(row) AS latest ${QUEUED}
          AND to_device IS NOT NULL
          GROUP BY to_device, iif(to_device = '', to_address || ':' || to_port, '')
          ORDER BY latest`,
      )
      .all()
      .map(recipientOf);
  }

  requeue(author: string, id: string, { expiresAtMs, requireVerified }: OutboxTerms): void {
    this.#database
      .prepare(
        `UPDATE messages SET state = 'queued', expires_at_ms = ?, require_verified = ?
          WHERE id = ? AND author = ? AND own = 1 AND group_id IS NULL
            AND state IN ('queued', 'sent', 'undelivered')`,
      )
      .run(expiresAtMs, requireVerified ? 1 : 0, id, author);
  }

  expired(nowMs: number): StoredMessage[] {
    return this.#all(`${EXPIRING} AND expires_at_ms <= ? ORDER BY row`, nowMs);
  }

  nextExpiryMs(): number | undefined {
    const found = this.#database.prepare(`SELECT min(expires_at_ms) AS next ${EXPIRING}`).get();
    return found === undefined || found["next"] === null ? undefined : numberIn(found, "next");
  }

  #all(from: string, ...values: readonly (string | number)[]): StoredMessage[] {
    return this.#database
      .prepare(`SELECT * ${from}`)
      .all(...values)
      .map(messageOf);
  }
}
