import type {
  GroupLogStore,
  HistoryQuery,
  MessageStore,
  NewMessage,
  OutboxTerms,
  OwnState,
  StoredMessage,
  StoredParty,
  StoredReceipt,
} from "../../src/store/messageStore.js";

export type Durability = Parameters<MessageStore["batch"]>[0];

/** Something that was written. */
export interface StoreWrite {
  /** Writes the same into another store that is in the same state. */
  readonly redo: (store: MessageStore) => void;
  /** The message that it concerns. */
  readonly message?: MessageName;
}

export interface MessageName {
  readonly author: string;
  readonly id: string;
}

/** Who watches a store. A write outside of a batch is a batch of its own, of kind `soon`. */
export interface StoreWatch {
  /** A batch begins. What is thrown here leaves in its place. */
  before?(): void;
  /** Something of it, or of a message in it, was written, and is not committed. */
  wrote?(message: MessageName | undefined): void;
  /** Everything of it was written; what is thrown here rolls it back. */
  committing?(): void;
  /** It was committed. */
  done(writes: readonly StoreWrite[], durability: Durability): void;
  /** Around everything that is read. What is thrown here leaves in its place. */
  reading?<T>(read: () => T): T;
}

/** A store, and somebody who is told of every batch, and may let it fail. */
export class WatchedStore implements MessageStore {
  readonly log: GroupLogStore;
  readonly #store: MessageStore;
  readonly #watch: StoreWatch;
  /** Of the batch that runs; undefined outside. As long as a batch. */
  #writes: StoreWrite[] | undefined;
  #promises = false;

  constructor(store: MessageStore, watch: StoreWatch) {
    this.#store = store;
    this.#watch = watch;
    const { log } = store;
    this.log = {
      streams: (groupId) => this.#read(() => log.streams(groupId)),
      read: (groupId, of, range) => this.#read(() => log.read(groupId, of, range)),
      saidBefore: (groupId, of, beforeMs) =>
        this.#read(() => log.saidBefore(groupId, of, beforeMs)),
      groupIds: () => this.#read(() => log.groupIds()),
      append: (groupId, of, hlc, datagram, saidAtMs) =>
        this.#write((to) => to.log.append(groupId, of, hlc, datagram, saidAtMs)),
      forget: (groupId, of, upTo) => this.#write((to) => to.log.forget(groupId, of, upTo)),
    };
  }

  batch<T>(durability: Durability, work: () => T): T {
    if (this.#writes !== undefined) {
      this.#promises ||= durability === "promise";
      return this.#store.batch(durability, work);
    }
    this.#watch.before?.();
    let writes: StoreWrite[] = [];
    try {
      const result = this.#store.batch(durability, () => {
        // A store may run the work once more, in another place.
        writes = [];
        this.#writes = writes;
        this.#promises = durability === "promise";
        const worked = work();
        this.#watch.committing?.();
        return worked;
      });
      this.#watch.done(writes, this.#promises ? "promise" : "soon");
      return result;
    } finally {
      this.#writes = undefined;
    }
  }

  add(message: NewMessage): StoredMessage | undefined {
    const name = { author: message.author.device, id: message.id };
    return this.#write((to) => to.add(message), name);
  }

  find(author: string, id: string): StoredMessage | undefined {
    return this.#read(() => this.#store.find(author, id));
  }

  findByClientId(clientId: string): StoredMessage | undefined {
    return this.#read(() => this.#store.findByClientId(clientId));
  }

  history(query: HistoryQuery): StoredMessage[] {
    return this.#read(() => this.#store.history(query));
  }

  export(query: HistoryQuery): Iterable<StoredMessage> {
    return this.#read(() => this.#store.export(query));
  }

  receipts(message: StoredMessage): StoredReceipt[] {
    return this.#read(() => this.#store.receipts(message));
  }

  setState(author: string, id: string, state: OwnState): void {
    this.#write((to) => to.setState(author, id, state), { author, id });
  }

  addReceipt(
    author: string,
    id: string,
    receipt: StoredReceipt & { readonly atMs: number },
  ): boolean {
    return this.#write((to) => to.addReceipt(author, id, receipt), { author, id });
  }

  addGroupReceipt(
    groupId: string,
    incarnation: string,
    party: StoredParty,
    upTo: number,
    atMs?: number,
  ): void {
    this.#write((to) => to.addGroupReceipt(groupId, incarnation, party, upTo, atMs));
  }

  outbox(to?: string, limit?: number): StoredMessage[] {
    return this.#read(() => this.#store.outbox(to, limit));
  }

  recipients(): StoredParty[] {
    return this.#read(() => this.#store.recipients());
  }

  requeue(author: string, id: string, terms: OutboxTerms): void {
    this.#write((to) => to.requeue(author, id, terms), { author, id });
  }

  expired(nowMs: number): StoredMessage[] {
    return this.#read(() => this.#store.expired(nowMs));
  }

  nextExpiryMs(): number | undefined {
    return this.#read(() => this.#store.nextExpiryMs());
  }

  unread(ids: readonly string[]): MessageName[] {
    return this.#read(() => this.#store.unread(ids));
  }

  markRead(author: string, ids: readonly string[], owed: boolean): string[] {
    return this.batch("soon", () =>
      ids.flatMap((id) => this.#write((to) => to.markRead(author, [id], owed), { author, id })),
    );
  }

  receiptsOwed(author: string, limit: number): string[] {
    return this.#read(() => this.#store.receiptsOwed(author, limit));
  }

  receiptsPaid(author: string, ids: readonly string[]): void {
    this.#write((to) => to.receiptsPaid(author, ids));
  }

  prune(beforeMs: number | undefined, keep: number, atMost?: number): number {
    return this.#write((to) => to.prune(beforeMs, keep, atMost));
  }

  close(): void {
    this.#store.close();
  }

  #read<T>(read: () => T): T {
    return this.#watch.reading === undefined ? read() : this.#watch.reading(read);
  }

  #write<T>(redo: (store: MessageStore) => T, message?: MessageName): T {
    if (this.#writes === undefined) return this.batch("soon", () => this.#write(redo, message));
    const result = redo(this.#store);
    this.#writes.push(message === undefined ? { redo } : { redo, message });
    this.#watch.wrote?.(message);
    return result;
  }
}

/** A store as those see it who look at it from outside: often, and mostly at all of it. */
export class LookedAtStore extends WatchedStore {
  readonly #changes: () => number;
  #all: { readonly messages: StoredMessage[]; readonly changes: number } | undefined;

  /** @param changes another number after every change of the store */
  constructor(store: MessageStore, reading: <T>(read: () => T) => T, changes: () => number) {
    super(store, { done: () => undefined, reading });
    this.#changes = changes;
  }

  override history(query: HistoryQuery): StoredMessage[] {
    if (Object.keys(query).length > 0) return super.history(query);
    const changes = this.#changes();
    if (this.#all?.changes !== changes) this.#all = { messages: super.history(query), changes };
    return this.#all.messages;
  }
}
