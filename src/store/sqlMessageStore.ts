import type { MessageDatabase } from "./messageRows.js";
import type {
  HistoryQuery,
  MessageStore,
  NewMessage,
  OutboxTerms,
  OwnState,
  StoredMessage,
  StoredParty,
  StoredReceipt,
} from "./messageStore.js";
import { SqlGroupLog } from "./sqlGroupLog.js";
import { SqlHistory } from "./sqlHistory.js";
import { SqlMessages } from "./sqlMessages.js";
import { SqlOutbox } from "./sqlOutbox.js";
import { SqlReceipts } from "./sqlReceipts.js";

/** Messages in a database whose tables are those of `MIGRATIONS`. */
export class SqlMessageStore implements MessageStore {
  readonly log: SqlGroupLog;
  readonly #database: MessageDatabase;
  readonly #messages: SqlMessages;
  readonly #history: SqlHistory;
  readonly #outbox: SqlOutbox;
  readonly #receipts: SqlReceipts;

  constructor(database: MessageDatabase) {
    this.#database = database;
    this.log = new SqlGroupLog(database);
    this.#messages = new SqlMessages(database);
    this.#history = new SqlHistory(database);
    this.#outbox = new SqlOutbox(database);
    this.#receipts = new SqlReceipts(database, this.#messages);
  }

  batch<T>(durability: "promise" | "soon", work: () => T): T {
    return this.#database.batch(durability, work);
  }

  add(message: NewMessage): StoredMessage | undefined {
    return this.#messages.add(message);
  }

  find(author: string, id: string): StoredMessage | undefined {
    return this.#messages.find(author, id);
  }

  findByClientId(clientId: string): StoredMessage | undefined {
    return this.#messages.findByClientId(clientId);
  }

  history(query: HistoryQuery): StoredMessage[] {
    return this.#history.history(query);
  }

  export(query: HistoryQuery): Iterable<StoredMessage> {
    return this.#history.export(query);
  }

  receipts(message: StoredMessage): StoredReceipt[] {
    return this.#receipts.receipts(message);
  }

  setState(author: string, id: string, state: OwnState): void {
    this.#messages.setState(author, id, state);
  }

  addReceipt(
    author: string,
    id: string,
    receipt: StoredReceipt & { readonly atMs: number },
  ): boolean {
    return this.#receipts.addReceipt(author, id, receipt);
  }

  addGroupReceipt(
    groupId: string,
    incarnation: string,
    to: StoredParty,
    upTo: number,
    atMs?: number,
  ): void {
    this.#receipts.addGroupReceipt(groupId, incarnation, to, upTo, atMs);
  }

  outbox(to?: string, limit?: number): StoredMessage[] {
    return this.#outbox.outbox(to, limit);
  }

  recipients(): StoredParty[] {
    return this.#outbox.recipients();
  }

  requeue(author: string, id: string, terms: OutboxTerms): void {
    this.#outbox.requeue(author, id, terms);
  }

  expired(nowMs: number): StoredMessage[] {
    return this.#outbox.expired(nowMs);
  }

  nextExpiryMs(): number | undefined {
    return this.#outbox.nextExpiryMs();
  }

  unread(ids: readonly string[]): { readonly author: string; readonly id: string }[] {
    return this.#messages.unread(ids);
  }

  markRead(author: string, ids: readonly string[], owed: boolean): string[] {
    return this.#messages.markRead(author, ids, owed);
  }

  receiptsOwed(author: string, limit: number): string[] {
    return this.#messages.receiptsOwed(author, limit);
  }

  receiptsPaid(author: string, ids: readonly string[]): void {
    this.#messages.receiptsPaid(author, ids);
  }

  prune(beforeMs: number | undefined, keep: number, atMost?: number): number {
    return this.#messages.prune(beforeMs, keep, atMost);
  }

  close(): void {
    this.#database.close();
  }
}
