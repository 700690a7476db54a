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

/** Names a recipient, as `outbox` does: a device, or `address:port` while none is known. */
export function recipientKey({ device, address, port }: StoredParty): string {
  return device === "" ? `${address}:${port}` : device;
}

/** Nothing of one differs from the other. */
export function isSameParty(one: StoredParty, other: StoredParty): boolean {
  return (
    one.device === other.device &&
    one.name === other.name &&
    one.address === other.address &&
    one.port === other.port
  );
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
  /** Of a direct message of ours that is queued or on its way. */
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
  /** Nobody waits for it any more. */
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
  /**
   * Parts that all occur in the text, however short, and whatever their case or width: see
   * `foldText`. An empty one occurs in every text.
   */
  readonly words?: readonly string[] | undefined;
  /** Direct messages with this device, and what it said in groups. */
  readonly device?: string | undefined;
  readonly groupLabel?: string | undefined;
  /** Stored then or later. */
  readonly sinceMs?: number | undefined;
  /** The latest so many; all of them if undefined. */
  readonly limit?: number | undefined;
  /** Of them the latest whose texts have no more bytes in all, as UTF-8; an export has all. */
  readonly textBytes?: number | undefined;
  /** Only what was stored behind this row. */
  readonly afterRow?: number | undefined;
}

/** Group datagrams: what `GroupLog` of the core reads, and how it is written. */
export interface GroupLogStore {
  streams(
    groupId: string,
  ): readonly (Instance & { ranges: readonly SequenceRange[]; latestHlc: number })[];
  read(groupId: string, of: Instance, range: SequenceRange): readonly StoredDatagram[] | undefined;
  /** Up to which sequence all was said before `beforeMs`; undefined if nothing is kept, or unknown. */
  saidBefore(groupId: string, of: Instance, beforeMs: number): number | undefined;
  /** Of which groups something is kept. */
  groupIds(): string[];
  /**
   * `saidAtMs`: for how long it is kept is counted from then, milliseconds since 1970; by default
   * what `hlc` says.
   */
  append(
    groupId: string,
    of: Instance,
    hlc: number,
    datagram: StoredDatagram,
    saidAtMs?: number,
  ): void;
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

  /**
   * Undefined if a message of this author and id, or with this client id, is stored: nothing
   * happened. Halves of surrogate pairs in text and names become U+FFFD.
   * @throws UdpchatError LIMIT_REACHED of a store in memory that is full of queued messages
   */
  add(message: NewMessage): StoredMessage | undefined;
  find(author: string, id: string): StoredMessage | undefined;
  findByClientId(clientId: string): StoredMessage | undefined;

  /** The latest that fit the query, oldest first. */
  history(query: HistoryQuery): StoredMessage[];
  /**
   * Everything that fits and was stored when the first one was asked for, oldest first, without
   * holding it in memory. Others may write meanwhile.
   */
  export(query: HistoryQuery): Iterable<StoredMessage>;
  /** Who has a message of ours. */
  receipts(message: StoredMessage): StoredReceipt[];

  /**
   * Of a message of ours. What arrived never goes back, and can only be read; of the other states
   * each may follow each.
   */
  setState(author: string, id: string, state: OwnState): void;
  /**
   * Somebody has, or read, a direct message of ours: raises the state, never lowers it, and is whom
   * it was written to from then on. True if that was news. It counts if the message was written to
   * that device, or to an address while no device is known.
   */
  addReceipt(
    author: string,
    id: string,
    receipt: StoredReceipt & { readonly atMs: number },
  ): boolean;
  /**
   * A member has all that we said in a group up to a datagram of an incarnation of ours. `atMs` is
   * told of the last message in it alone.
   */
  addGroupReceipt(
    groupId: string,
    incarnation: string,
    to: StoredParty,
    upTo: number,
    atMs?: number,
  ): void;

  /**
   * Queued messages, the oldest first; of one device (or address, `a.b.c.d:port`) if it is named,
   * and no more than `limit`.
   */
  outbox(to?: string, limit?: number): StoredMessage[];
  /** Whom queued messages are for, each device (or address, while no device is known) once. */
  recipients(): StoredParty[];
  /** A message of ours that was given up is queued again. */
  requeue(author: string, id: string, terms: OutboxTerms): void;
  /**
   * Messages that are queued, or on their way, and nobody waits for any more at `nowMs`: the caller
   * decides what follows.
   */
  expired(nowMs: number): StoredMessage[];
  /** When the next of them expires; undefined for none. */
  nextExpiryMs(): number | undefined;

  /** Which of these ids are direct messages of others that nobody was shown. */
  unread(ids: readonly string[]): { readonly author: string; readonly id: string }[];
  /**
   * A person was shown direct messages of `author`: those that were unread. They are owed a receipt
   * if `owed`, until `receiptsPaid`.
   */
  markRead(author: string, ids: readonly string[], owed: boolean): string[];
  /** Ids of messages of this author that a receipt is owed for, at most `limit`. */
  receiptsOwed(author: string, limit: number): string[];
  receiptsPaid(author: string, ids: readonly string[]): void;

  /**
   * Forgets messages stored before, and the oldest beyond `keep`; never what is queued. No more
   * than `atMost` at once, as others wait for it; says how many.
   */
  prune(beforeMs: number | undefined, keep: number, atMost?: number): number;

  close(): void;
}
