import type { UdpchatError } from "../errors.js";
import type { Delivered } from "./types.js";

/** A queued message that a call waits for. */
export interface Dispatch {
  /**
   * Resolves when it was delivered, or with undefined when an attempt has failed and it stays
   * queued. Rejects if it expires or is dropped.
   */
  readonly ended: Promise<Delivered | undefined>;
  /** The call waits no longer. */
  readonly leave: () => void;
}

interface Waiter {
  readonly resolve: (delivered: Delivered | undefined) => void;
  readonly reject: (error: UdpchatError) => void;
}

/** The calls of the application that wait for what becomes of queued messages. */
export class DispatchWaiters {
  /** By message id; bounded by those calls. */
  readonly #waiters = new Map<string, Set<Waiter>>();

  /** @param left nobody waits for the message any more, before its end */
  add(messageId: string, left: () => void): Dispatch {
    const waiters = this.#waiters.get(messageId) ?? new Set();
    this.#waiters.set(messageId, waiters);
    let leave = (): void => undefined;
    const ended = new Promise<Delivered | undefined>((resolve, reject) => {
      const waiter = { resolve, reject };
      waiters.add(waiter);
      leave = () => {
        if (!waiters.delete(waiter) || waiters.size > 0) return;
        this.#waiters.delete(messageId);
        left();
      };
    });
    return { ended, leave };
  }

  /** Tells those who wait what became of it; false if there are none. */
  resolve(messageId: string, delivered: Delivered | undefined): boolean {
    return this.#take(messageId, ({ resolve }) => resolve(delivered));
  }

  /** Tells those who wait that it was given up; false if there are none. */
  reject(messageId: string, error: UdpchatError): boolean {
    return this.#take(messageId, ({ reject }) => reject(error));
  }

  /** All of it stays queued. */
  close(): void {
    for (const messageId of this.#waiters.keys()) this.resolve(messageId, undefined);
  }

  #take(messageId: string, tell: (waiter: Waiter) => void): boolean {
    const waiters = this.#waiters.get(messageId);
    this.#waiters.delete(messageId);
    for (const waiter of waiters ?? []) {
      waiters?.delete(waiter);
      tell(waiter);
    }
    return waiters !== undefined;
  }
}
