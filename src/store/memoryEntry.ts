import type { OutboxTerms, StoredMessage, StoredParty, StoredReceipt } from "./messageStore.js";
import { foldText } from "./search.js";

/** What became of a message. Never changed, but replaced. */
export interface Standing {
  readonly state: StoredMessage["state"];
  readonly to: StoredParty | undefined;
  readonly outbox: OutboxTerms | undefined;
  readonly receiptOwed: boolean;
  /** Of a direct message of ours, which has one recipient. */
  readonly receipt: StoredReceipt | undefined;
}

/** Names, keys and the objects of an entry. */
const ENTRY_BYTES = 1024;

/** A message in memory: what never changes of it, and how it stands. */
export class MemoryEntry {
  /** As it was stored. */
  readonly kept: StoredMessage;
  standing: Standing;
  /** Its neighbours in the `EntryList` that it is in, which sets them. */
  older: MemoryEntry | undefined;
  newer: MemoryEntry | undefined;
  #folded: string | undefined;

  constructor(message: StoredMessage) {
    const { state, to, outbox } = message;
    this.kept = message;
    this.standing = { state, to, outbox, receiptOwed: false, receipt: undefined };
  }

  /** As it stands now; whoever has it keeps it as it is. */
  get message(): StoredMessage {
    const { kept } = this;
    const { state, to, outbox } = this.standing;
    const isAsItWas = state === kept.state && to === kept.to && outbox === kept.outbox;
    return isAsItWas ? kept : { ...kept, state, to, outbox };
  }

  /** Of the text, with one as long for searches, and of what is kept beside them. */
  get sizeBytes(): number {
    return 2 * 2 * this.kept.text.length + ENTRY_BYTES;
  }

  /** What searches look at: made by the first one, as most messages are never searched. */
  get folded(): string {
    if (this.#folded !== undefined) return this.#folded;
    const { text } = this.kept;
    const folded = foldText(text);
    // A few characters become up to 18: such a text is folded anew each time.
    if (folded.length <= text.length) this.#folded = folded;
    return folded;
  }
}

/** When nobody waits for it any more; undefined if nobody does. */
export function expiryMsOf({ state, outbox }: Standing): number | undefined {
  return state === "queued" || state === "sent" ? outbox?.expiresAtMs : undefined;
}
