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
interface Partial {
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
  #partial: Partial | undefined;

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
    const partial = this.#partial;
    if (!entry.continued) {
      const abandoned = partial !== undefined;
      this.drop();
      if (entry.continues) return this.#begin(entry) && !abandoned ? undefined : "malformed";
      return { messageSequence, sentAtMs, body: new Uint8Array(entry.body) };
    }
    if (partial === undefined) return undefined;
    const sizeBytes = partial.sizeBytes + entry.body.length;
    const fits = sizeBytes <= MAX_MESSAGE_BYTES && partial.messageSequence === messageSequence;
    if (!fits || !this.#budget.take(entry.body.length)) {
      this.drop();
      return "malformed";
    }
    partial.pieces.push(new Uint8Array(entry.body));
    partial.sizeBytes = sizeBytes;
    if (entry.continues) return undefined;
    const body = joined(partial);
    this.drop();
    return { messageSequence, sentAtMs: partial.sentAtMs, body };
  }

  /** Forgets a beginning: its rest is lost. */
  drop(): void {
    if (this.#partial !== undefined) this.#budget.release(this.#partial.sizeBytes);
    this.#partial = undefined;
  }

  #begin(entry: GroupEntry): boolean {
    if (!this.#budget.take(entry.body.length)) return false;
    this.#partial = {
      messageSequence: entry.messageSequence,
      sentAtMs: entry.sentAtMs,
      pieces: [new Uint8Array(entry.body)],
      sizeBytes: entry.body.length,
    };
    return true;
  }
}

function joined(partial: Partial): Uint8Array {
  const body = new Uint8Array(partial.sizeBytes);
  let offset = 0;
  for (const piece of partial.pieces) {
    body.set(piece, offset);
    offset += piece.length;
  }
  return body;
}
