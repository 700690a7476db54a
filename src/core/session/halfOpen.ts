import type { ResponderHandshake } from "../../crypto/handshake.js";
import { toHex } from "../../wire/cursor.js";
import type { HandshakeInit } from "../../wire/session.js";
import { type Address, addressKey } from "../io.js";

/** An initiator that has not finished by then has gone, or lives on with another handshake. */
const LIFETIME_MS = 10_000;

/** A handshake that somebody else began: we answered, their third message is awaited. */
export interface HalfOpen {
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly from: Address;
  /** Their first message. */
  readonly message: Uint8Array;
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

  /** The same handshake again; one with another message is another one, perhaps a forged one. */
  byInitiator(from: Address, init: HandshakeInit): HalfOpen | undefined {
    return this.#byInitiator.get(initiatorKey(from, init.senderIndex, init.message));
  }

  add(nowMs: number, entry: HalfOpen): void {
    this.expire(nowMs);
    if (this.size >= this.#limit) this.#evict();
    this.#byLocalIndex.set(entry.localIndex, entry);
    this.#byInitiator.set(keyOf(entry), entry);
    this.#count(entry, 1);
  }

  remove(entry: HalfOpen): void {
    if (!this.#byLocalIndex.delete(entry.localIndex)) return;
    this.#byInitiator.delete(keyOf(entry));
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

function keyOf({ from, remoteIndex, message }: HalfOpen): string {
  return initiatorKey(from, remoteIndex, message);
}

function initiatorKey(from: Address, remoteIndex: number, message: Uint8Array): string {
  return `${addressKey(from)}/${remoteIndex}/${toHex(message)}`;
}
