import { UdpchatError } from "../errors.js";
import { MemoryGroupLog } from "./memoryGroupLog.js";
import type { MessageStore, NewMessage, StoredMessage } from "./messageStore.js";

/** The store of a program that keeps no messages: every one is new, and none is found again. */
export class NullMessageStore implements MessageStore {
  /** Repairs of groups need their datagrams for as long as the program is in them. */
  readonly log = new MemoryGroupLog();
  #lastRow = 0;

  batch<T>(_durability: "promise" | "soon", work: () => T): T {
    return work();
  }

  add(message: NewMessage): StoredMessage {
    this.#lastRow += 1;
    return { ...message, row: this.#lastRow };
  }

  find(): undefined {}

  findByClientId(): undefined {}

  history(): StoredMessage[] {
    throw nothingKept();
  }

  export(): Iterable<StoredMessage> {
    throw nothingKept();
  }

  receipts(): [] {
    return [];
  }

  setState(): void {}

  addReceipt(): boolean {
    return false;
  }

  addGroupReceipt(): void {}

  outbox(): StoredMessage[] {
    return [];
  }

  recipients(): [] {
    return [];
  }

  requeue(): void {
    throw nothingKept();
  }

  expired(): StoredMessage[] {
    return [];
  }

  nextExpiryMs(): undefined {}

  unread(): [] {
    return [];
  }

  markRead(): string[] {
    return [];
  }

  receiptsOwed(): string[] {
    return [];
  }

  receiptsPaid(): void {}

  prune(): number {
    return 0;
  }

  close(): void {}
}

/** What asks for the history of a program that keeps none. */
export function nothingKept(): UdpchatError {
  return new UdpchatError("STORE_UNUSABLE", "this program keeps no messages", {
    remedy: 'open the messenger with store "disk" or "memory"',
  });
}
