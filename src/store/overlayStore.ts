import { LateChanges } from "./lateChanges.js";
import { compareMessages, latestOf, MemoryMessageStore } from "./memoryMessageStore.js";
import {
  type HistoryQuery,
  type MessageStore,
  type NewMessage,
  type OutboxTerms,
  type OwnState,
  recipientKey,
  type StoredMessage,
  type StoredParty,
  type StoredReceipt,
} from "./messageStore.js";
import { type Below, OverlayLog } from "./overlayLog.js";

/**
 * A store that cannot be written, and over it in memory what would have been written: reading
 * shows both. What changes a message below copies it up first; the copy hides it. Rows of messages
 * are those of whichever store they are in. What cannot be read below is changed when it can.
 */
export class OverlayStore implements MessageStore {
  readonly log: OverlayLog;
  readonly #memory = new MemoryMessageStore();
  readonly #below: Below;
  /** Receipts paid that are still owed below, ids by author; as many as were owed there. */
  readonly #paid = new Map<string, Set<string>>();
  readonly #late = new LateChanges();

  constructor(below: Below) {
    this.#below = below;
    this.log = new OverlayLog(below, this.#memory.log);
  }

  batch<T>(durability: "promise" | "soon", work: () => T): T {
    return this.#late.batch(() => this.#memory.batch(durability, work));
  }

  add(message: NewMessage): StoredMessage | undefined {
    const { author, id, clientId } = message;
    if (this.find(author.device, id) !== undefined) return undefined;
    if (clientId !== undefined && this.findByClientId(clientId) !== undefined) return undefined;
    return this.#memory.add(message);
  }

  find(author: string, id: string): StoredMessage | undefined {
    this.#raiseLate();
    return this.#memory.find(author, id) ?? this.#findBelow((disk) => disk.find(author, id));
  }

  findByClientId(clientId: string): StoredMessage | undefined {
    this.#raiseLate();
    return (
      this.#memory.findByClientId(clientId) ??
      this.#findBelow((disk) => disk.findByClientId(clientId))
    );
  }

  history(query: HistoryQuery): StoredMessage[] {
    const below = this.#listBelow((disk) => disk.history(query));
    const found = [...below, ...this.#memory.history(query)].toSorted(compareMessages);
    return latestOf(found, query);
  }

  /** Merges two sorted lists, of which the long one is not held. */
  *export(query: HistoryQuery): Generator<StoredMessage, void, undefined> {
    this.#raiseLate();
    const above = this.#memory.history(query);
    let next = 0;
    for (const message of this.#below((disk) => disk.export(query), [])) {
      if (this.#isHidden(message)) continue;
      for (; ; next += 1) {
        const first = above[next];
        if (first === undefined || compareMessages(first, message) > 0) break;
        yield first;
      }
      yield message;
    }
    yield* above.slice(next);
  }

  receipts(message: StoredMessage): StoredReceipt[] {
    const { author, id } = message;
    const byDevice = new Map<string, StoredReceipt>();
    const below = this.#below((disk) => {
      const found = disk.find(author.device, id);
      return found === undefined ? [] : disk.receipts(found);
    }, []);
    for (const receipt of [...below, ...this.#memory.receipts(message)]) {
      const before = byDevice.get(receipt.party.device);
      if (before?.status !== "read") byDevice.set(receipt.party.device, receipt);
    }
    return [...byDevice.values()];
  }

  setState(author: string, id: string, state: OwnState): void {
    this.#change(author, id, (store) => store.setState(author, id, state));
  }

  addReceipt(
    author: string,
    id: string,
    receipt: StoredReceipt & { readonly atMs: number },
  ): boolean {
    // Of what cannot be read everything is news.
    return this.#change(author, id, (store) => store.addReceipt(author, id, receipt)) ?? true;
  }

  addGroupReceipt(
    groupId: string,
    incarnation: string,
    to: StoredParty,
    upTo: number,
    atMs?: number,
  ): void {
    this.#memory.addGroupReceipt(groupId, incarnation, to, upTo, atMs);
  }

  outbox(to?: string, limit = Number.POSITIVE_INFINITY): StoredMessage[] {
    const below = this.#listBelow((disk) => disk.outbox(to));
    return [...below, ...this.#memory.outbox(to)]
      .toSorted((a, b) => a.storedAtMs - b.storedAtMs)
      .slice(0, limit);
  }

  recipients(): StoredParty[] {
    const parties = this.outbox().flatMap(({ to }) => to ?? []);
    const byKey = new Map(parties.map((to) => [recipientKey(to), to]));
    return [...byKey.values()];
  }

  requeue(author: string, id: string, terms: OutboxTerms): void {
    this.#change(author, id, (store) => store.requeue(author, id, terms));
  }

  expired(nowMs: number): StoredMessage[] {
    const below = this.#listBelow((disk) => disk.expired(nowMs));
    return [...below, ...this.#memory.expired(nowMs)];
  }

  nextExpiryMs(): number | undefined {
    const times = this.expired(Number.MAX_SAFE_INTEGER).flatMap(
      ({ outbox }) => outbox?.expiresAtMs ?? [],
    );
    return times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b));
  }

  unread(ids: readonly string[]): { readonly author: string; readonly id: string }[] {
    const below = this.#below((disk) => disk.unread(ids), []).filter(
      ({ author, id }) => this.#memory.find(author, id) === undefined,
    );
    return [...below, ...this.#memory.unread(ids)];
  }

  markRead(author: string, ids: readonly string[], owed: boolean): string[] {
    for (const one of this.unread(ids)) {
      if (one.author === author) this.#copyUp(author, one.id);
    }
    return this.#memory.markRead(author, ids, owed);
  }

  receiptsOwed(author: string, limit: number): string[] {
    const paid = this.#paid.get(author) ?? new Set<string>();
    const below = this.#below((disk) => disk.receiptsOwed(author, limit + paid.size), []);
    const owed = [
      ...below.filter((id) => !paid.has(id)),
      ...this.#memory.receiptsOwed(author, limit),
    ];
    return [...new Set(owed)].slice(0, limit);
  }

  receiptsPaid(author: string, ids: readonly string[]): void {
    const owedBelow = ids.filter((id) => this.#memory.find(author, id) === undefined);
    const paid = this.#paid.get(author) ?? new Set<string>();
    for (const id of owedBelow) paid.add(id);
    if (paid.size > 0) this.#paid.set(author, paid);
    this.#memory.receiptsPaid(author, ids);
  }

  /** Only what is in memory; the rest when it can be written again. */
  prune(beforeMs: number | undefined, keep: number, atMost?: number): number {
    return this.#memory.prune(beforeMs, keep, atMost);
  }

  /**
   * Everything that would have been written into a store that can be; then nothing is held here.
   * If it throws, everything is still held.
   */
  moveTo(target: MessageStore): void {
    target.batch("soon", () => {
      for (const [author, ids] of this.#paid) target.receiptsPaid(author, [...ids]);
      this.log.forgetIn(target.log);
      this.#late.applyTo(target);
    });
    this.#memory.moveTo(target);
    this.#forget();
  }

  close(): void {
    this.#memory.close();
    this.#forget();
  }

  #forget(): void {
    this.#paid.clear();
    this.#late.clear();
    this.log.forgetNothing();
  }

  #listBelow(read: (disk: MessageStore) => StoredMessage[]): StoredMessage[] {
    this.#raiseLate();
    return this.#below(read, []).filter((message) => !this.#isHidden(message));
  }

  #findBelow(read: (disk: MessageStore) => StoredMessage | undefined): StoredMessage | undefined {
    const found = this.#below(read, undefined);
    return found === undefined || this.#isHidden(found) ? undefined : found;
  }

  #isHidden(message: StoredMessage): boolean {
    const { author, id } = message;
    return this.#memory.find(author.device, id) !== undefined || this.#late.has(author.device, id);
  }

  /** Undefined if the message lies where it cannot be read: then it is changed as soon as it can. */
  #change<T>(author: string, id: string, change: (store: MessageStore) => T): T | undefined {
    this.#raiseLate();
    if (!this.#late.has(author, id) && this.#copyUp(author, id)) return change(this.#memory);
    this.#late.add(author, id, change);
    return undefined;
  }

  #raiseLate(): void {
    this.#late.raise(this.#memory, (author, id) => this.#copyUp(author, id));
  }

  /** True if the message, if there is any, is in memory; false if that cannot be said. */
  #copyUp(author: string, id: string): boolean {
    if (this.#memory.find(author, id) !== undefined) return true;
    const read = this.#below((disk) => ({ found: disk.find(author, id) }), undefined);
    if (read?.found !== undefined) this.#copy(read.found);
    return read !== undefined;
  }

  #copy(found: StoredMessage): void {
    const { row: _, clientId, ...rest } = found;
    // Another one may have taken its client id while this one could not be seen.
    const isTaken = clientId === undefined || this.#memory.findByClientId(clientId) !== undefined;
    const message: NewMessage = isTaken ? rest : { ...rest, clientId };
    const { id } = message;
    const author = message.author.device;
    const receipts = this.receipts(found);
    // What is queued below is none of memory's bounds.
    const { state, outbox } = message;
    this.#memory.add(state === "queued" ? { ...message, state: "sent" } : message);
    if (state === "queued" && outbox !== undefined) this.#memory.requeue(author, id, outbox);
    for (const { atMs, ...receipt } of message.group === undefined ? receipts : []) {
      if (atMs !== undefined) this.#memory.addReceipt(author, id, { ...receipt, atMs });
    }
  }
}
