import { toUdpchatError, type UdpchatError } from "../errors.js";
import type { FileIdentity } from "./databaseFile.js";
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
} from "./messageStore.js";
import { OverlayStore } from "./overlayStore.js";
import { StoreFailure } from "./storeFailure.js";

/** What the owner of a store is to be told: once for each failure. */
export interface StoreTrouble {
  readonly code: "STORE_FAILED" | "STORE_RESTORED" | "STORE_DAMAGED";
  readonly message: string;
}

/** A store on a database file. */
export interface Disk {
  readonly store: MessageStore;
  readonly file: FileIdentity | undefined;
  /** False if the file was moved or removed since it was opened. */
  isInPlace(): boolean;
  /** Writes something that changes nothing. Throws StoreFailure. */
  probe(): void;
}

export interface OpenedDisk {
  readonly disk: Disk;
  /** Where a damaged file lies that was in the way. */
  readonly setAside: string | undefined;
}

export interface ResilientStoreParts {
  /** For sentences. */
  readonly path: string;
  /** `damaged` is a file that is to be set aside, if it still lies there. Rejects: UdpchatError. */
  readonly open: (damaged: FileIdentity | undefined) => Promise<OpenedDisk>;
  readonly onTrouble: (trouble: StoreTrouble) => void;
}

/** How often a disk that failed is tried again. */
const RETRY_INTERVAL_MS = 30_000;

/**
 * Messages on disk for as long as it works.
 *
 * ```text
 * on disk -> overlaid     a write fails: the disk is read only, and memory holds what would be
 *                         written; without a disk that can be read, memory alone
 * overlaid -> on disk     a retry succeeds: what memory holds is moved in one step
 * ```
 * A damaged file is set aside at once. The batch that failed is run again in memory: `work` must
 * do nothing but read and write the store, and change nothing else that the second run would
 * repeat.
 */
export class ResilientStore implements MessageStore {
  readonly log: GroupLogStore;
  readonly #parts: ResilientStoreParts;
  /** Undefined where none can be read. */
  #disk: Disk | undefined;
  /** While the disk cannot be written. */
  #overlay: OverlayStore | undefined;
  /** A file that is to be set aside. */
  #damaged: FileIdentity | undefined;
  #isInBatch = false;
  /** STORE_FAILED was told, and STORE_RESTORED not yet. */
  #hasToldFailure = false;
  #reopening: Promise<void> | undefined;
  #nextRetryMs = Number.NEGATIVE_INFINITY;
  /** A file that is damaged as soon as it was begun must not be set aside again and again. */
  #mayReopenAtOnce = true;
  #isClosed = false;

  private constructor(parts: ResilientStoreParts) {
    this.#parts = parts;
    this.log = {
      streams: (groupId) => this.#read((store) => store.log.streams(groupId)),
      read: (groupId, of, range) => this.#read((store) => store.log.read(groupId, of, range)),
      saidBefore: (groupId, of, beforeMs) =>
        this.#read((store) => store.log.saidBefore(groupId, of, beforeMs)),
      groupIds: () => this.#read((store) => store.log.groupIds()),
      append: (groupId, of, hlc, datagram, saidAtMs) =>
        this.#write((store) => store.log.append(groupId, of, hlc, datagram, saidAtMs)),
      forget: (groupId, of, upTo) => this.#write((store) => store.log.forget(groupId, of, upTo)),
    };
  }

  /**
   * Goes on in memory if the disk fails already.
   * @throws UdpchatError STORE_UNUSABLE if a later version wrote the file
   */
  static async open(parts: ResilientStoreParts): Promise<ResilientStore> {
    const store = new ResilientStore(parts);
    try {
      store.#use(await parts.open(undefined));
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      store.#overlaid();
      store.#tellSetAside(error);
      store.#tellFailure(error);
    }
    return store;
  }

  /**
   * Looks after the disk; to be called every few seconds, at times that only grow. Resolves when
   * it is as well as it can be.
   */
  async retry(nowMs: number): Promise<void> {
    if (this.#isClosed) return;
    if (this.#reopening === undefined) {
      const isWell = this.#overlay === undefined && this.#disk?.isInPlace() === true;
      if (isWell || nowMs < this.#nextRetryMs) return;
      this.#nextRetryMs = nowMs + RETRY_INTERVAL_MS;
      this.#mayReopenAtOnce = true;
      this.#reopen();
    }
    await this.#reopening;
  }

  batch<T>(durability: "promise" | "soon", work: () => T): T {
    if (this.#isInBatch) return this.#current().batch(durability, work);
    this.#isInBatch = true;
    try {
      return this.#batchSomewhere(durability, work);
    } finally {
      this.#isInBatch = false;
    }
  }

  add(message: NewMessage): StoredMessage | undefined {
    return this.#write((store) => store.add(message));
  }

  find(author: string, id: string): StoredMessage | undefined {
    return this.#read((store) => store.find(author, id));
  }

  findByClientId(clientId: string): StoredMessage | undefined {
    return this.#read((store) => store.findByClientId(clientId));
  }

  history(query: HistoryQuery): StoredMessage[] {
    return this.#read((store) => store.history(query));
  }

  /** Throws in the middle if the disk fails there: what came before is no reason to begin anew. */
  *export(query: HistoryQuery): Generator<StoredMessage, void, undefined> {
    try {
      yield* this.#current().export(query);
    } catch (error) {
      if (error instanceof StoreFailure) this.#fail(error);
      throw error;
    }
  }

  receipts(message: StoredMessage): StoredReceipt[] {
    return this.#read((store) => store.receipts(message));
  }

  setState(author: string, id: string, state: OwnState): void {
    this.#write((store) => store.setState(author, id, state));
  }

  addReceipt(
    author: string,
    id: string,
    receipt: StoredReceipt & { readonly atMs: number },
  ): boolean {
    return this.#write((store) => store.addReceipt(author, id, receipt));
  }

  addGroupReceipt(
    groupId: string,
    incarnation: string,
    to: StoredParty,
    upTo: number,
    atMs?: number,
  ): void {
    this.#write((store) => store.addGroupReceipt(groupId, incarnation, to, upTo, atMs));
  }

  outbox(to?: string, limit?: number): StoredMessage[] {
    return this.#read((store) => store.outbox(to, limit));
  }

  recipients(): StoredParty[] {
    return this.#read((store) => store.recipients());
  }

  requeue(author: string, id: string, terms: OutboxTerms): void {
    this.#write((store) => store.requeue(author, id, terms));
  }

  expired(nowMs: number): StoredMessage[] {
    return this.#read((store) => store.expired(nowMs));
  }

  nextExpiryMs(): number | undefined {
    return this.#read((store) => store.nextExpiryMs());
  }

  unread(ids: readonly string[]): { readonly author: string; readonly id: string }[] {
    return this.#read((store) => store.unread(ids));
  }

  markRead(author: string, ids: readonly string[], owed: boolean): string[] {
    return this.#write((store) => store.markRead(author, ids, owed));
  }

  receiptsOwed(author: string, limit: number): string[] {
    return this.#read((store) => store.receiptsOwed(author, limit));
  }

  receiptsPaid(author: string, ids: readonly string[]): void {
    this.#write((store) => store.receiptsPaid(author, ids));
  }

  prune(beforeMs: number | undefined, keep: number, atMost?: number): number {
    return this.#write((store) => store.prune(beforeMs, keep, atMost));
  }

  /** What memory holds is lost, unless the disk takes it now. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#moveToDisk();
    this.#closeDisk();
    this.#overlay?.close();
  }

  #current(): MessageStore {
    return this.#overlay ?? this.#disk?.store ?? this.#overlaid();
  }

  #write<T>(step: (store: MessageStore) => T): T {
    if (this.#isInBatch) return step(this.#current());
    return this.batch("soon", () => step(this.#current()));
  }

  /** Where the disk cannot be read, what memory has is the answer. */
  #read<T>(step: (store: MessageStore) => T): T {
    if (this.#isInBatch) return step(this.#current());
    try {
      return step(this.#current());
    } catch (error) {
      if (this.#overlay !== undefined || !(error instanceof StoreFailure)) throw error;
      this.#fail(error);
      return step(this.#current());
    }
  }

  #batchSomewhere<T>(durability: "promise" | "soon", work: () => T): T {
    // What is promised must not go into a file that nobody will open again.
    if (durability === "promise" && this.#disk?.isInPlace() === false) this.#reopenAtOnce();
    if (this.#overlay === undefined && this.#disk !== undefined) {
      try {
        return this.#disk.store.batch(durability, work);
      } catch (error) {
        if (!(error instanceof StoreFailure)) throw error;
        this.#fail(error);
      }
    }
    return this.#current().batch(durability, work);
  }

  #fail(failure: StoreFailure): void {
    this.#overlaid();
    if (failure.kind !== "damaged") {
      this.#tellFailure(failure);
      return;
    }
    this.#damaged = this.#disk?.file;
    this.#closeDisk();
    this.#reopenAtOnce();
  }

  /** Until it is open memory holds what is written. */
  #reopenAtOnce(): void {
    this.#overlaid();
    if (!this.#mayReopenAtOnce) return;
    this.#mayReopenAtOnce = false;
    this.#reopen();
  }

  #overlaid(): OverlayStore {
    this.#overlay ??= new OverlayStore((read, instead) => {
      if (this.#disk === undefined) return instead;
      try {
        return read(this.#disk.store);
      } catch (error) {
        if (!(error instanceof StoreFailure)) throw error;
        if (error.kind === "damaged") this.#fail(error);
        return instead;
      }
    });
    return this.#overlay;
  }

  /** Its end is awaited by `retry`; it never rejects. */
  #reopen(): void {
    this.#reopening ??= this.#openAgain().finally(() => {
      this.#reopening = undefined;
    });
  }

  async #openAgain(): Promise<void> {
    try {
      const opened = await this.#parts.open(this.#damaged);
      if (this.#isClosed) opened.disk.store.close();
      else this.#use(opened);
    } catch (error) {
      this.#tellSetAside(error);
      this.#tellFailure(toUdpchatError(error));
    }
  }

  /** Where the history is; the next one that is opened does not know of it. */
  #tellSetAside(error: unknown): void {
    if (!(error instanceof StoreFailure) || error.setAside === undefined) return;
    this.#damaged = undefined;
    const { path } = this.#parts;
    const message = `${path} was damaged and lies in ${error.setAside} now`;
    this.#parts.onTrouble({ code: "STORE_DAMAGED", message });
  }

  /** The one that was open until now is replaced. */
  #use({ disk, setAside }: OpenedDisk): void {
    const { path } = this.#parts;
    const wasReplaced = this.#damaged !== undefined || this.#disk?.isInPlace() === false;
    this.#closeDisk();
    this.#disk = disk;
    this.#damaged = undefined;
    if (setAside !== undefined) {
      const message = `${path} was damaged and lies in ${setAside} now: a new one was begun`;
      this.#parts.onTrouble({ code: "STORE_DAMAGED", message });
    } else if (wasReplaced) {
      const message = `${path} was damaged or taken away, and replaced: what lies there now is used`;
      this.#parts.onTrouble({ code: "STORE_DAMAGED", message });
    }
    const failure = this.#moveToDisk();
    if (failure !== undefined) this.#tellFailure(failure);
    else if (this.#hasToldFailure) {
      this.#hasToldFailure = false;
      const message = `messages are kept in ${path} again, and those of the meantime are there`;
      this.#parts.onTrouble({ code: "STORE_RESTORED", message });
    }
  }

  /** Why it did not succeed; undefined if nothing is held in memory any more. */
  #moveToDisk(): UdpchatError | undefined {
    if (this.#disk === undefined || this.#overlay === undefined) return undefined;
    try {
      this.#disk.probe();
      this.#overlay.moveTo(this.#disk.store);
      this.#overlay = undefined;
      return undefined;
    } catch (error) {
      if (error instanceof StoreFailure && error.kind === "damaged") {
        this.#damaged = this.#disk.file;
        this.#closeDisk();
      }
      return toUdpchatError(error);
    }
  }

  #closeDisk(): void {
    const disk = this.#disk;
    this.#disk = undefined;
    try {
      disk?.store.close();
    } catch {
      // It failed already; whatever is said about it now changes nothing.
    }
  }

  #tellFailure({ message, remedy }: UdpchatError): void {
    if (this.#hasToldFailure) return;
    this.#hasToldFailure = true;
    this.#parts.onTrouble({
      code: "STORE_FAILED",
      message: `${message}: messages are kept in memory only, until this program ends; ${remedy}`,
    });
  }
}
