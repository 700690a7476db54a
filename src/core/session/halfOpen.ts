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

/**
 * Half-open handshakes. When there are too many, the source address that has most of them loses
 * its oldest: nobody pushes others out by beginning much.
 */
export class HalfOpenTable {
  readonly #limit: number;
  /** Oldest first; bounded by `limit` and by age. */
  readonly #byLocalIndex = new Map<number, HalfOpen>();
  /** The same entries by initiator. */
  readonly #byInitiator = new Map<string, HalfOpen>();
  /** How many of them a source address has. */
  readonly #counts = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#byLocalIndex.size;
  }

  byLocalIndex(localIndex: number): HalfOpen | undefined {
    return this.#byLocalIndex.get(localIndex);
  }

  byInitiator(from: Address, remoteIndex: number): HalfOpen | undefined {
    return this.#byInitiator.get(initiatorKey(from, remoteIndex));
  }

  add(nowMs: number, entry: HalfOpen): void {
    this.expire(nowMs);
    if (this.size >= this.#limit) this.#evict();
    this.#byLocalIndex.set(entry.localIndex, entry);
    this.#byInitiator.set(initiatorKey(entry.from, entry.remoteIndex), entry);
    this.#count(entry, 1);
  }

  remove(entry: HalfOpen): void {
    if (!this.#byLocalIndex.delete(entry.localIndex)) return;
    this.#byInitiator.delete(initiatorKey(entry.from, entry.remoteIndex));
    this.#count(entry, -1);
  }

  expire(nowMs: number): void {
    for (const entry of this.#byLocalIndex.values()) {
      if (nowMs - entry.startedAtMs < LIFETIME_MS) return;
      this.remove(entry);
    }
  }

  #evict(): void {
    const most = Math.max(...this.#counts.values());
    for (const entry of this.#byLocalIndex.values()) {
      if (this.#counts.get(entry.from.address) !== most) continue;
      this.remove(entry);
      return;
    }
  }

  #count({ from }: HalfOpen, change: 1 | -1): void {
    const count = (this.#counts.get(from.address) ?? 0) + change;
    if (count === 0) this.#counts.delete(from.address);
    else this.#counts.set(from.address, count);
  }
}

function initiatorKey(from: Address, remoteIndex: number): string {
  return `${addressKey(from)}/${remoteIndex}`;
}
