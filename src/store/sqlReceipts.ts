import {
  type MessageDatabase,
  numberIn,
  partyValues,
  recipientIn,
  storableParty,
  textIn,
} from "./messageRows.js";
import { receiptFits } from "./messageStates.js";
import {
  isSameParty,
  type MessageStore,
  type StoredMessage,
  type StoredParty,
  type StoredReceipt,
} from "./messageStore.js";
import type { SqlRow } from "./sql.js";
import type { SqlMessages } from "./sqlMessages.js";

/** Who has what one start of ours said in a group: keys cost nothing, and nobody forgets these. */
const MAX_PARTIES = 4096;

/** Who has, or read, what we wrote. */
export class SqlReceipts
  implements Pick<MessageStore, "receipts" | "addReceipt" | "addGroupReceipt">
{
  readonly #database: MessageDatabase;
  readonly #messages: SqlMessages;

  constructor(database: MessageDatabase, messages: SqlMessages) {
    this.#database = database;
    this.#messages = messages;
  }

  receipts({ row, group }: StoredMessage): StoredReceipt[] {
    if (group === undefined) {
      return this.#database
        .prepare("SELECT * FROM receipts WHERE message = ? ORDER BY device")
        .all(row)
        .map((found) => ({
          party: partyIn(found),
          status: found["status"] === "read" ? "read" : "delivered",
          atMs: numberIn(found, "at_ms"),
        }));
    }
    const { datagram } = group;
    if (datagram === undefined) return [];
    return this.#database
      .prepare(
        `SELECT * FROM group_receipts
          WHERE group_id = ? AND incarnation = ? AND up_to >= ? ORDER BY device`,
      )
      .all(group.groupId, datagram.incarnation, datagram.sequence)
      .map((found) => ({
        party: partyIn(found),
        status: "delivered",
        atMs:
          found["up_to"] === datagram.sequence && found["at_ms"] !== null
            ? numberIn(found, "at_ms")
            : undefined,
      }));
  }

  addReceipt(
    author: string,
    id: string,
    { party, status, atMs }: StoredReceipt & { readonly atMs: number },
  ): boolean {
    const database = this.#database;
    return database.batch("soon", () => {
      // One that arrives is nearly always of a message that was sent just now: a few columns do.
      const message = database
        .prepare(
          `SELECT row, to_device, to_name, to_address, to_port FROM messages
            WHERE id = ? AND author = ? AND own = 1 AND group_id IS NULL`,
        )
        .get(id, author);
      const to = message && recipientIn(message);
      if (message === undefined || to === undefined) return false;
      if (!receiptFits({ own: true, to }, party)) return false;
      const row = numberIn(message, "row");
      const by = partyValues(storableParty(party));
      const added = database
        .prepare(
          `INSERT INTO receipts (message, device, name, address, port, status, at_ms)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET name = excluded.name, address = excluded.address,
              port = excluded.port, status = excluded.status, at_ms = excluded.at_ms
              WHERE status = 'delivered' AND excluded.status = 'read'`,
        )
        .run(row, ...by, status, atMs);
      if (added === 0) return false;
      this.#messages.setState(author, id, status);
      if (!isSameParty(to, party)) {
        database
          .prepare(
            `UPDATE messages SET peer = ?, to_device = ?, to_name = ?, to_address = ?, to_port = ?
              WHERE row = ?`,
          )
          .run(party.device, ...by, row);
      }
      return true;
    });
  }

  addGroupReceipt(
    groupId: string,
    incarnation: string,
    to: StoredParty,
    upTo: number,
    atMs?: number,
  ): void {
    this.#database
      .prepare(
        `INSERT INTO group_receipts
          (group_id, incarnation, device, name, address, port, up_to, at_ms)
          SELECT ?, ?, ?, ?, ?, ?, ?, ?
            WHERE (SELECT count(*) FROM group_receipts
              WHERE group_id = ? AND incarnation = ? AND device <> ?) < ?
          ON CONFLICT DO UPDATE SET name = excluded.name, address = excluded.address,
            port = excluded.port, up_to = excluded.up_to, at_ms = excluded.at_ms
            WHERE excluded.up_to > up_to`,
      )
      .run(
        groupId,
        incarnation,
        ...partyValues(storableParty(to)),
        upTo,
        atMs ?? null,
        groupId,
        incarnation,
        to.device,
        MAX_PARTIES,
      );
  }
}

function partyIn(row: SqlRow): StoredParty {
  return {
    device: textIn(row, "device"),
    name: textIn(row, "name"),
    address: textIn(row, "address"),
    port: numberIn(row, "port"),
  };
}
