import type { ResponderHandshake } from "../../crypto/handshake.js";
import { type Address, addressKey } from "../io.js";

/** An initiator that has not finished by then has gone, or lives on with another handshake. */
const LIFETIME_MS = 10_000;

/** A handshake that somebody else began: we answered, their third message is awaited. */
export interface HalfOpen {
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly from: Address;
  readonly handshake: ResponderHandshake;
  /** Our answer, a whole datagram: repeated as it is. */
  readonly response: Uint8Array;
  readonly startedAtMs: number;
}

/** Half-open handshakes; the oldest gives way when there are too many. */
export class HalfOpenTable {
  readonly #limit: number;
  /** Oldest first; bounded by `limit` and by age. */
  readonly #byLocalIndex = new Map<number, HalfOpen>();
  /** The same entries by initiator. */
  readonly #byInitiator = new Map<string, HalfOpen>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  byLocalIndex(localIndex: number): HalfOpen | undefined {
    return this.#byLocalIndex.get(localIndex);
  }

  byInitiator(from: Address, remoteIndex: number): HalfOpen | undefined {
    return this.#byInitiator.get(initiatorKey(from, remoteIndex));
  }

  add(nowMs: number, entry: HalfOpen): void {
    this.expire(nowMs);
    const oldest = this.#byLocalIndex.values().next().value;
    if (this.#byLocalIndex.size >= this.#limit && oldest !== undefined) this.remove(oldest);
    this.#byLocalIndex.set(entry.localIndex, entry);
    this.#byInitiator.set(initiatorKey(entry.from, entry.remoteIndex), entry);
  }

  remove(entry: HalfOpen): void {
    this.#byLocalIndex.delete(entry.localIndex);
    this.#byInitiator.delete(initiatorKey(entry.from, entry.remoteIndex));
  }

  expire(nowMs: number): void {
    for (const entry of this.#byLocalIndex.values()) {
      if (nowMs - entry.startedAtMs < LIFETIME_MS) return;
      this.remove(entry);
    }
  }
}

function initiatorKey(from: Address, remoteIndex: number): string {
  return `${addressKey(from)}/${remoteIndex}`;
}
