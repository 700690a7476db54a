import { fragmentOverheadBytes, Lane, type LaneCode } from "../../wire/frames.js";
import { MAX_RECORD_BYTES } from "../../wire/record.js";
import type { Outgoing } from "./outgoing.js";

/**
 * How far a sender may run ahead of its oldest unsettled record. Part of the protocol: receivers
 * refuse what is beyond, so that what they must hold for order is bounded.
 */
export const LANE_WINDOW_RECORDS = 4096;
export const LANE_WINDOW_BYTES = 512 * 1024;

/** Frame bytes around a slice, with room for the largest lane position. */
export const SLICE_OVERHEAD_BYTES = fragmentOverheadBytes(
  {
    lane: 0,
    sequence: Number.MAX_SAFE_INTEGER,
    base: Number.MAX_SAFE_INTEGER - LANE_WINDOW_RECORDS,
  },
  MAX_RECORD_BYTES,
);

/**
 * One lane towards one peer: gives records their sequence, keeps those that are unsettled, and
 * holds back what would run too far ahead.
 *
 * An acknowledged record of the ordered lane may still wait at the receiver, in memory alone, for
 * one before it. It stays in the window until those before it are acknowledged too, or until the
 * receiver confirmed that it does not wait for them: only then was it handed on for certain.
 */
export class OutboundLane {
  readonly lane: LaneCode;
  /** Without a sequence yet, oldest first. Bounded by the owner's queue limits. */
  readonly #waiting: Outgoing[] = [];
  /** By sequence, ascending; at most `LANE_WINDOW_RECORDS`. */
  readonly #window = new Map<number, Outgoing>();
  /** The receiver confirmed that it waits for nothing below. */
  #confirmedBase = 0;
  /** The base that the session was last asked to tell for the sake of a given-up record. */
  #toldBase = 0;
  #windowBytes = 0;
  #nextSequence: number;

  /** `firstSequence`: above all that this incarnation ever used towards the same peer. */
  constructor(lane: LaneCode, firstSequence: number) {
    this.lane = lane;
    this.#nextSequence = firstSequence;
  }

  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Everything below is settled. */
  get base(): number {
    for (const message of this.#window.values()) if (!message.settled) return message.sequence;
    return this.#nextSequence;
  }

  /** Nothing waits for its end. */
  get idle(): boolean {
    if (this.#waiting.length > 0) return false;
    for (const message of this.#window.values()) if (!message.cancelled) return false;
    return true;
  }

  /** The receiver may wait for a record that was given up. */
  get owesAdvance(): boolean {
    for (const message of this.#window.values()) if (message.cancelled) return true;
    return false;
  }

  /**
   * True, once per base, if the receiver waits for a record that was given up and now heads the
   * lane: an ADVANCE told before those ahead of it were settled did not reach past it.
   */
  takeAdvance(): boolean {
    const [head] = this.#window.values();
    if (head?.cancelled !== true || head.sequence < this.#confirmedBase) return false;
    const { base } = this;
    if (base <= this.#toldBase) return false;
    this.#toldBase = base;
    return true;
  }

  add(message: Outgoing): void {
    this.#waiting.push(message);
  }

  /** The next record that may start, with its sequence; undefined if none may. */
  admit(): Outgoing | undefined {
    const next = this.#waiting[0];
    if (next === undefined) return undefined;
    const inWindow = this.#nextSequence - this.#oldestSequence < LANE_WINDOW_RECORDS;
    const fits = this.#windowBytes + next.record.length <= LANE_WINDOW_BYTES;
    if (!inWindow || !fits) return undefined;
    this.#waiting.shift();
    next.sequence = this.#nextSequence;
    this.#nextSequence += 1;
    this.#window.set(next.sequence, next);
    this.#windowBytes += next.record.length;
    return next;
  }

  get #oldestSequence(): number {
    for (const sequence of this.#window.keys()) return sequence;
    return this.#nextSequence;
  }

  /** The whole record was acknowledged. Returns what is now known to be handed on, in order. */
  acknowledge(message: Outgoing): Outgoing[] {
    message.settled = true;
    if (this.lane === Lane.ordered) return this.#takeHandedOn();
    this.#remove(message);
    return [message];
  }

  /** The receiver confirmed our base. Returns what is now known to be handed on, in order. */
  confirm(base: number): Outgoing[] {
    this.#confirmedBase = Math.max(this.#confirmedBase, base);
    return this.#takeHandedOn();
  }

  /** Gives a record up: true if it had a sequence, which the receiver may wait for. */
  cancel(message: Outgoing): boolean {
    message.settled = true;
    message.cancelled = true;
    if (this.#window.has(message.sequence)) {
      this.#windowBytes -= message.record.length;
      if (this.lane !== Lane.ordered) this.#window.delete(message.sequence);
      this.#toldBase = this.base;
      return true;
    }
    const index = this.#waiting.indexOf(message);
    if (index >= 0) this.#waiting.splice(index, 1);
    return false;
  }

  /** What a new session has to send again: also what the receiver holds, for it may forget it. */
  unsettled(): Outgoing[] {
    return [...this.#window.values()].filter((message) => !message.cancelled).map(asUnsent);
  }

  /** Empties the lane, unsettled ones first: its messages move to another link. */
  takeAll(): Outgoing[] {
    const all = [...this.unsettled(), ...this.#waiting];
    for (const message of all) message.sequence = 0; // it means nothing in another lane
    this.#window.clear();
    this.#waiting.length = 0;
    this.#windowBytes = 0;
    return all;
  }

  #takeHandedOn(): Outgoing[] {
    const handedOn: Outgoing[] = [];
    for (const message of this.#window.values()) {
      if (!message.settled) break;
      if (message.cancelled && message.sequence >= this.#confirmedBase) break;
      this.#remove(message);
      if (!message.cancelled) handedOn.push(message);
    }
    return handedOn;
  }

  #remove(message: Outgoing): void {
    const removed = this.#window.delete(message.sequence);
    if (removed && !message.cancelled) this.#windowBytes -= message.record.length;
  }
}

function asUnsent(message: Outgoing): Outgoing {
  message.settled = false;
  return message;
}
