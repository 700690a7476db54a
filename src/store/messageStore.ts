/** What is kept of messages, and the shapes in which it is asked for. */
import type { SequenceRange } from "../wire/group.js";
import type { Instance } from "../wire/presence.js";

/** Of a message of ours; see {@link OwnState}. Of a message of others: whether a person saw it. */
export type MessageState = OwnState | "unread" | "read";

/**
 * ```text
 * queued -> sent -> delivered -> read          queued, sent -> undelivered (in time)
 * ```
 * `sent`: on its way, no answer yet; a group line stays here. `delivered`: stored at the other side.
 */
export type OwnState = "queued" | "sent" | "delivered" | "read" | "undelivered";

/** Somebody as he was when the message was written. */
export interface StoredParty {
  /** Device key, 64 hexadecimal digits; empty while only an address is known. */
  readonly device: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** What is known of a message when it is stored. Times are milliseconds since 1970. */
export interface NewMessage {
  /** 32 hexadecimal digits; with the author's device it names the message. */
  readonly id: string;
  readonly author: StoredParty;
  /** Written on this device. */
  readonly own: boolean;
  readonly text: string;
  /** The author's clock. */
  readonly sentAtMs: number;
  readonly storedAtMs: number;
  /** Where it stands: by this, then by author, then by id. Of the hybrid clock. */
  readonly hlc: number;
  readonly state: MessageState;
  /** A direct message: whom it was written to. */
  readonly to?: StoredParty | undefined;
  /** A group line. */
  readonly group?: StoredLine | undefined;
  /** Of a queued message. */
  readonly outbox?: OutboxTerms | undefined;
  /** Chosen by whoever had it sent: the same one again is the same message. */
  readonly clientId?: string | undefined;
}

export interface StoredLine {
  readonly groupId: string;
  readonly label: string;
  /** Of our own: the incarnation and the last datagram that it is in. */
  readonly datagram?: { readonly incarnation: string; readonly sequence: number } | undefined;
}

/** What is to be done for a message until it is delivered. */
export interface OutboxTerms {
  readonly expiresAtMs: number;
  readonly requireVerified: boolean;
}

export interface StoredMessage extends NewMessage {
  /** Grows with every message that is stored. */
  readonly row: number;
}

/** Who has a message, of those it was written to. */
export interface StoredReceipt {
  readonly party: StoredParty;
  readonly status: "delivered" | "read";
  /** Undefined where only a later message tells. */
  readonly atMs: number | undefined;
}

export interface HistoryQuery {
  /** Parts that all occur in the text, whatever their case. */
  readonly words?: readonly string[] | undefined;
  /** Direct messages with this device, and what it said in groups. */
  readonly device?: string | undefined;
  readonly groupLabel?: string | undefined;
  /** Stored then or later. */
  readonly sinceMs?: number | undefined;
  /** The latest so many; all of them if undefined. */
  readonly limit?: number | undefined;
  /** Only what was stored behind this row. */
  readonly afterRow?: number | undefined;
}

/** Group datagrams: what `GroupLog` of the core reads, and how it is written. */
export interface GroupLogStore {
  streams(
    groupId: string,
  ): readonly (Instance & { ranges: readonly SequenceRange[]; latestHlc: number })[];
  read(groupId: string, of: Instance, range: SequenceRange): readonly StoredDatagram[];
  append(groupId: string, of: Instance, hlc: number, datagram: StoredDatagram): void;
  forget(groupId: string, of: Instance, upToSequence: number): void;
}

export interface StoredDatagram {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  /** Of the group key, 16 hexadecimal digits; undefined in an open group. */
  readonly keyId: string | undefined;
}

/**
 * Messages, the outbox and group datagrams of a home. Everything is synchronous, like the engine
 * underneath, so that what is written in a turn is there before anything is sent in it. Failures
 * are UdpchatErrors: see `StoreFailure`.
 */
export interface MessageStore {
  readonly log: GroupLogStore;

  /**
   * Runs `work` as one step: all of it is stored or nothing. A batch within a batch is part of it.
   * `promise`: it survives a power cut when `batch` returns; `soon`: it survives the end of the
   * process, and a power cut a moment later.
   */
  batch<T>(durability: "promise" | "soon", work: () => T): T;

  /** Undefined if a message of this author and id is stored: nothing happened. */
  add(message: NewMessage): StoredMessage | undefined;
  find(author: string, id: string): StoredMessage | undefined;
  findByClientId(clientId: string): StoredMessage | undefined;

  /** The latest that fit the query, oldest first. */
  history(query: HistoryQuery): StoredMessage[];
  /** Everything that fits, oldest first, without holding it in memory. */
  export(query: HistoryQuery): Iterable<StoredMessage>;
  /** Who has a message of ours. */
  receipts(message: StoredMessage): StoredReceipt[];

  /** Of a message of ours. */
  setState(author: string, id: string, state: OwnState): void;
  /** To an address at first: now it is known who answers there. */
  setRecipient(author: string, id: string, to: StoredParty): void;
  /** Somebody has, or read, a direct message of ours: raises the state, never lowers it. */
  addReceipt(
    author: string,
    id: string,
    receipt: StoredReceipt & { readonly atMs: number },
  ): boolean;
  /** A member has all that we said in a group up to a datagram of an incarnation of ours. */
  addGroupReceipt(groupId: string, incarnation: string, to: StoredParty, upTo: number): void;

  /** Queued messages, the oldest first; of one device (or address, `a.b.c.d:port`) if it is named. */
  outbox(to?: string): StoredMessage[];
  /** Queued messages that nobody waits for any more at `nowMs`: the caller decides what follows. */
  expired(nowMs: number): StoredMessage[];
  /** When the next queued message expires; undefined for none. */
  nextExpiryMs(): number | undefined;
  /** A queued message goes, by the first digits of its id or by its client id. Undefined: none. */
  drop(author: string, idOrClientId: string): StoredMessage | undefined;

  /**
   * A person was shown direct messages of `author`: those that were unread. They are owed a receipt
   * if `owed`, until `receiptsPaid`.
   */
  markRead(author: string, ids: readonly string[], owed: boolean): string[];
  /** Ids of messages of this author that a receipt is owed for, at most `limit`. */
  receiptsOwed(author: string, limit: number): string[];
  receiptsPaid(author: string, ids: readonly string[]): void;

  /** Forgets messages stored before, and the oldest beyond `keep`; never what is queued. */
  prune(beforeMs: number | undefined, keep: number): number;

  close(): void;
}
