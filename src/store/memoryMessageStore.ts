import { expiryMsOf, type MemoryEntry, type Standing } from "./memoryEntry.js";
import { MemoryGroupLog } from "./memoryGroupLog.js";
import { type MemoryBounds, MemoryMessages } from "./memoryMessages.js";
import { peerOf, storableParty, storedAs } from "./messageRows.js";
import { mayBecome, receiptFits } from "./messageStates.js";
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
import { foldText } from "./search.js";
import { UndoLog } from "./undoLog.js";

const DEFAULT_BOUNDS: MemoryBounds = { messages: 10_000, bytes: 32 * 1024 * 1024 };
const MAX_GROUP_RECEIPTS = 10_000;

/** A member has all up to there. */
interface GroupReceipt {
  readonly groupId: string;
  readonly incarnation: string;
  readonly party: StoredParty;
  readonly upTo: number;
  readonly atMs: number | undefined;
}

/**
 * Messages that last as long as the process: where nothing touches the disk, or the disk does not
 * take anything. It keeps the latest of them, and everything that is queued.
 */
export class MemoryMessageStore implements MessageStore {
  readonly log: MemoryGroupLog;
  readonly #undo = new UndoLog();
  readonly #messages: MemoryMessages;
  /** By group, incarnation and device; at most `MAX_GROUP_RECEIPTS`, the oldest go. */
  readonly #groupReceipts = new Map<string, GroupReceipt>();
  #lastRow = 0;

  constructor(bounds: Partial<MemoryBounds> = {}) {
    this.#messages = new MemoryMessages({ ...DEFAULT_BOUNDS, ...bounds }, this.#undo);
    this.log = new MemoryGroupLog(this.#undo.changed);
  }

  batch<T>(_durability: "promise" | "soon", work: () => T): T {
    return this.#undo.batch(work);
  }

  add(message: NewMessage): StoredMessage | undefined {
    const { author, id, clientId } = message;
    if (this.#messages.get(author.device, id) !== undefined) return undefined;
    if (clientId !== undefined && this.findByClientId(clientId) !== undefined) return undefined;
    const stored = storedAs(this.#lastRow + 1, message);
    this.#messages.add(stored);
    this.#lastRow = stored.row;
    return stored;
  }

  find(author: string, id: string): StoredMessage | undefined {
    return this.#messages.get(author, id)?.message;
  }

  findByClientId(clientId: string): StoredMessage | undefined {
    return this.#messages.byClientId(clientId)?.message;
  }

  history(query: HistoryQuery): StoredMessage[] {
    const words = (query.words ?? []).map(foldText);
    const found = this.#messages
      .values()
      .filter((entry) => fits(entry, query, words))
      .map((entry) => entry.message)
      .toSorted(compareMessages);
    return latestOf(found, query);
  }

  *export(query: HistoryQuery): Generator<StoredMessage, void, undefined> {
    yield* this.history({ ...query, textBytes: undefined });
  }

  receipts({ author, id, group }: StoredMessage): StoredReceipt[] {
    if (group === undefined) {
      const receipt = this.#messages.get(author.device, id)?.standing.receipt;
      return receipt === undefined ? [] : [receipt];
    }
    const { groupId, datagram } = group;
    if (datagram === undefined) return [];
    return [...this.#groupReceipts.values()]
      .filter(
        (one) =>
          one.groupId === groupId &&
          one.incarnation === datagram.incarnation &&
          one.upTo >= datagram.sequence,
      )
      .map(({ party, upTo, atMs }) => ({
        party,
        status: "delivered" as const,
        atMs: upTo === datagram.sequence ? atMs : undefined,
      }))
      .toSorted((a, b) => compare(a.party.device, b.party.device));
  }

  setState(author: string, id: string, state: OwnState): void {
    const entry = this.#messages.get(author, id);
    if (entry === undefined || !entry.kept.own) return;
    if (mayBecome(entry.standing.state, state)) this.#change(entry, { state });
  }

  addReceipt(
    author: string,
    id: string,
    { party, status, atMs }: StoredReceipt & { readonly atMs: number },
  ): boolean {
    const entry = this.#messages.get(author, id);
    if (entry === undefined) return false;
    const { own, group } = entry.kept;
    const { state: before, to, receipt } = entry.standing;
    if (!receiptFits({ own, group, to }, party)) return false;
    if (receipt !== undefined && !(receipt.status === "delivered" && status === "read")) {
      return false;
    }
    const state = mayBecome(before, status) ? status : before;
    const by = storableParty(party);
    this.#change(entry, { state, to: by, receipt: { party: by, status, atMs } });
    return true;
  }

  addGroupReceipt(
    groupId: string,
    incarnation: string,
    to: StoredParty,
    upTo: number,
    atMs?: number,
  ): void {
    const key = `${groupId}/${incarnation}/${to.device}`;
    const before = this.#groupReceipts.get(key);
    if (before !== undefined && before.upTo >= upTo) return;
    if (before === undefined && this.#groupReceipts.size >= MAX_GROUP_RECEIPTS) {
      const [oldest] = this.#groupReceipts.keys();
      if (oldest !== undefined) this.#setGroupReceipt(oldest, undefined);
    }
    this.#setGroupReceipt(key, { groupId, incarnation, party: storableParty(to), upTo, atMs });
  }

  outbox(to?: string, limit = Number.POSITIVE_INFINITY): StoredMessage[] {
    const found: StoredMessage[] = [];
    for (const entry of this.#messages.queued()) {
      if (found.length >= limit) break;
      const party = entry.standing.to;
      const isFor = to === undefined || (party !== undefined && recipientKey(party) === to);
      if (isFor) found.push(entry.message);
    }
    return found;
  }

  recipients(): StoredParty[] {
    const latest = new Map<string, StoredParty>();
    for (const { standing } of this.#messages.queued()) {
      const { to } = standing;
      if (to === undefined) continue;
      latest.delete(recipientKey(to));
      latest.set(recipientKey(to), to);
    }
    return [...latest.values()];
  }

  requeue(author: string, id: string, outbox: OutboxTerms): void {
    const entry = this.#messages.get(author, id);
    if (entry === undefined || !entry.kept.own || entry.kept.group !== undefined) return;
    const { state } = entry.standing;
    if (state === "queued" || mayBecome(state, "queued")) {
      this.#change(entry, { state: "queued", outbox });
    }
  }

  expired(nowMs: number): StoredMessage[] {
    return this.#messages
      .values()
      .filter(({ standing }) => (expiryMsOf(standing) ?? nowMs + 1) <= nowMs)
      .map((entry) => entry.message);
  }

  nextExpiryMs(): number | undefined {
    return this.#messages.nextExpiryMs();
  }

  unread(ids: readonly string[]): { readonly author: string; readonly id: string }[] {
    return [...new Set(ids)].flatMap((id) =>
      this.#messages
        .byId(id)
        .filter(isUnread)
        .map(({ kept }) => ({ author: kept.author.device, id })),
    );
  }

  markRead(author: string, ids: readonly string[], owed: boolean): string[] {
    return ids.filter((id) => {
      const entry = this.#messages.get(author, id);
      if (entry === undefined || !isUnread(entry)) return false;
      this.#change(entry, { state: "read", receiptOwed: owed });
      return true;
    });
  }

  receiptsOwed(author: string, limit: number): string[] {
    return this.#messages
      .values()
      .filter(({ kept, standing }) => standing.receiptOwed && kept.author.device === author)
      .slice(0, limit)
      .map(({ kept }) => kept.id);
  }

  receiptsPaid(author: string, ids: readonly string[]): void {
    for (const id of ids) {
      const entry = this.#messages.get(author, id);
      if (entry?.standing.receiptOwed === true) this.#change(entry, { receiptOwed: false });
    }
  }

  prune(beforeMs: number | undefined, keep: number, atMost = Number.MAX_SAFE_INTEGER): number {
    return this.#undo.batch(() => {
      const isQueued = ({ standing }: MemoryEntry): boolean => standing.state === "queued";
      const old = this.#messages
        .values()
        .filter((entry) => !isQueued(entry) && entry.kept.storedAtMs < (beforeMs ?? 0))
        .toSorted((a, b) => a.kept.storedAtMs - b.kept.storedAtMs)
        .slice(0, atMost);
      for (const entry of old) this.#messages.delete(entry);
      const left = this.#messages.values();
      const excess = left
        .slice(0, Math.max(0, left.length - keep))
        .filter((entry) => !isQueued(entry))
        .slice(0, atMost - old.length);
      for (const entry of excess) this.#messages.delete(entry);
      if (old.length + excess.length < atMost) this.#forgetGroupReceipts();
      return old.length + excess.length;
    });
  }

  /**
   * Everything into another store, in one step that survives a power cut; then this one is empty.
   * What the other one knows already is not lowered there. If it fails, nothing has moved.
   */
  moveTo(target: MessageStore): void {
    target.batch("promise", () => {
      for (const entry of this.#messages.values()) moveMessage(entry, target);
      for (const { groupId, incarnation, party, upTo, atMs } of this.#groupReceipts.values()) {
        target.addGroupReceipt(groupId, incarnation, party, upTo, atMs);
      }
      this.log.copyTo(target.log);
    });
    this.close();
  }

  close(): void {
    this.#messages.clear();
    this.#groupReceipts.clear();
    this.log.clear();
  }

  #change(entry: MemoryEntry, change: Partial<Standing>): void {
    this.#messages.change(entry, { ...entry.standing, ...change });
  }

  #setGroupReceipt(key: string, receipt: GroupReceipt | undefined): void {
    const before = this.#groupReceipts.get(key);
    if (receipt === undefined) this.#groupReceipts.delete(key);
    else this.#groupReceipts.set(key, receipt);
    this.#undo.changed(() => {
      if (before === undefined) this.#groupReceipts.delete(key);
      else this.#groupReceipts.set(key, before);
    });
  }

  /** Those of incarnations that no line is left of. */
  #forgetGroupReceipts(): void {
    const said = new Set(
      this.#messages
        .values()
        .map(({ kept: { group } }) => `${group?.groupId}/${group?.datagram?.incarnation}`),
    );
    for (const [key, { groupId, incarnation }] of this.#groupReceipts) {
      if (!said.has(`${groupId}/${incarnation}`)) this.#setGroupReceipt(key, undefined);
    }
  }
}

function moveMessage({ message, standing }: MemoryEntry, target: MessageStore): void {
  const { receiptOwed, receipt } = standing;
  const { row: _, ...known } = message;
  const { author, id, own, state, outbox } = known;
  const added = target.add(receiptOwed ? { ...known, state: "unread" } : known);
  if (added === undefined) moveNamesake(known, receipt, target);
  if (own && added === undefined && state !== "unread") {
    if (outbox !== undefined && (state === "queued" || state === "sent")) {
      target.requeue(author.device, id, outbox);
    }
    target.setState(author.device, id, state);
  }
  if (!own && state === "read") target.markRead(author.device, [id], receiptOwed);
  if (receipt?.atMs === undefined) return;
  target.addReceipt(author.device, id, { ...receipt, atMs: receipt.atMs });
}

/**
 * A message whose client id is that of another one there: it could not be seen when this one was
 * sent anew. This one becomes one of its own; if it arrived, what was sent under that id did.
 */
function moveNamesake(
  known: NewMessage,
  receipt: StoredReceipt | undefined,
  target: MessageStore,
): void {
  const { author, id, clientId, text } = known;
  if (clientId === undefined || target.find(author.device, id) !== undefined) return;
  target.add({ ...known, clientId: undefined });
  const first = target.findByClientId(clientId);
  if (first?.text !== text || receipt?.atMs === undefined) return;
  target.addReceipt(author.device, first.id, { ...receipt, atMs: receipt.atMs });
}

function fits(entry: MemoryEntry, query: HistoryQuery, words: readonly string[]): boolean {
  const { device, groupLabel, sinceMs, afterRow } = query;
  const { own, author, group, storedAtMs, row } = entry.kept;
  return (
    (device === undefined || peerOf({ own, author, group, to: entry.standing.to }) === device) &&
    (groupLabel === undefined || group?.label === groupLabel) &&
    (sinceMs === undefined || storedAtMs >= sinceMs) &&
    (afterRow === undefined || row > afterRow) &&
    words.every((word) => entry.folded.includes(word))
  );
}

function isUnread({ kept, standing }: MemoryEntry): boolean {
  return standing.state === "unread" && kept.group === undefined;
}

/** Those that a query wants of messages in order. */
export function latestOf(
  messages: readonly StoredMessage[],
  { limit = Number.POSITIVE_INFINITY, textBytes = Number.POSITIVE_INFINITY }: HistoryQuery,
): StoredMessage[] {
  let count = 0;
  let leftBytes = textBytes;
  for (const { text } of messages.toReversed()) {
    leftBytes -= Buffer.byteLength(text);
    if (count >= limit || leftBytes < 0) break;
    count += 1;
  }
  return messages.slice(messages.length - count);
}

/** The order of the history: hybrid clock, author, id. */
export function compareMessages(a: StoredMessage, b: StoredMessage): number {
  return a.hlc - b.hlc || compare(a.author.device, b.author.device) || compare(a.id, b.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
