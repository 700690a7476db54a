import { MAX_MESSAGE_BYTES } from "../../wire/constants.js";
import type { GroupEntry } from "../../wire/group.js";
import type { ByteBudget } from "../byteBudget.js";

/** A whole message of another member. */
export interface AssembledMessage {
  readonly messageSequence: number;
  readonly sentAtMs: number;
  /** A copy: the datagram that it came in may be overwritten. */
  readonly body: Uint8Array;
}

/** The beginning of a message. */
interface BegunMessage {
  readonly messageSequence: number;
  readonly sentAtMs: number;
  /** Together at most `MAX_MESSAGE_BYTES`. */
  readonly pieces: Uint8Array[];
  sizeBytes: number;
}

/**
 * Joins the entries of one sender, in their order, into messages. Holds at most one beginning,
 * within the budget. The rest of a message whose beginning is lost is passed over.
 */
export class Assembly {
  readonly #budget: ByteBudget;
  #begun: BegunMessage | undefined;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  /**
   * Takes the next entry. The message, if it is whole; "malformed" if it breaks a rule, and what
   * was held is dropped; undefined if more is needed.
   */
  add(entry: GroupEntry): AssembledMessage | "malformed" | undefined {
    const { messageSequence, sentAtMs } = entry;
    // An empty piece would cost memory and never reach the limit.
    if (entry.continues && entry.body.length === 0) {
      this.drop();
      return "malformed";
    }
    const begun = this.#begun;
    if (!entry.continued) {
      const abandoned = begun !== undefined;
      this.drop();
      if (entry.continues) return this.#begin(entry) && !abandoned ? undefined : "malformed";
      return { messageSequence, sentAtMs, body: new Uint8Array(entry.body) };
    }
    if (begun === undefined) return undefined;
    const sizeBytes = begun.sizeBytes + entry.body.length;
    const fits = sizeBytes <= MAX_MESSAGE_BYTES && begun.messageSequence === messageSequence;
    if (!fits || !this.#budget.take(entry.body.length)) {
      this.drop();
      return "malformed";
    }
    begun.pieces.push(new Uint8Array(entry.body));
    begun.sizeBytes = sizeBytes;
    if (entry.continues) return undefined;
    const body = joined(begun);
    this.drop();
    return { messageSequence, sentAtMs: begun.sentAtMs, body };
  }

  /** Of the beginning that is held; 0 for none. */
  get begunBytes(): number {
    return this.#begun?.sizeBytes ?? 0;
  }

  /** Forgets a beginning: its rest is lost. Returns how many pieces of it were here. */
  drop(): number {
    const begun = this.#begun;
    if (begun === undefined) return 0;
    this.#budget.release(begun.sizeBytes);
    this.#begun = undefined;
    return begun.pieces.length;
  }

  #begin(entry: GroupEntry): boolean {
    if (!this.#budget.take(entry.body.length)) return false;
    this.#begun = {
      messageSequence: entry.messageSequence,
      sentAtMs: entry.sentAtMs,
      pieces: [new Uint8Array(entry.body)],
      sizeBytes: entry.body.length,
    };
    return true;
  }
}

function joined(begun: BegunMessage): Uint8Array {
  const body = new Uint8Array(begun.sizeBytes);
  let offset = 0;
  for (const piece of begun.pieces) {
    body.set(piece, offset);
    offset += piece.length;
  }
  return body;
}
