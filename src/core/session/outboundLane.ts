import { fragmentOverheadBytes, Lane, type LaneCode } from "../../wire/frames.js";
import { MAX_RECORD_BYTES } from "../../wire/record.js";
import { Deque } from "../deque.js";
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
  readonly #waiting = new Deque<Outgoing>();
  /**
   * By sequence up to the last one given, with undefined for those that are not kept any more; the
   * one at the head is kept. At most `LANE_WINDOW_RECORDS`.
   */
  readonly #window = new Deque<Outgoing | undefined>();
  /** Of the window, those that were not given up. */
  #liveCount = 0;
  /** Everything below is settled, and perhaps more: see `base`. */
  #settledBelow = 0;
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

  /** Everything below is settled. Asked for each frame: looks at no record twice. */
  get base(): number {
    let base = Math.max(this.#settledBelow, this.#oldestSequence);
    while (base < this.#nextSequence && this.#at(base)?.settled !== false) base += 1;
    this.#settledBelow = base;
    return base;
  }

  /** Nothing waits for its end. */
  get idle(): boolean {
    return this.#waiting.length === 0 && this.#liveCount === 0;
  }

  /** The receiver may wait for a record that was given up. */
  get owesAdvance(): boolean {
    for (const message of this.#window) if (message?.cancelled === true) return true;
    return false;
  }

  /**
   * True, once per base, if the receiver waits for a record that was given up and now heads the
   * lane: an ADVANCE told before those ahead of it were settled did not reach past it.
   */
  takeAdvance(): boolean {
    const head = this.#at(this.#oldestSequence);
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
    const next = this.#waiting.first;
    if (next === undefined) return undefined;
    const inWindow = this.#nextSequence - this.#oldestSequence < LANE_WINDOW_RECORDS;
    const fits = this.#windowBytes + next.record.length <= LANE_WINDOW_BYTES;
    if (!inWindow || !fits) return undefined;
    this.#waiting.shift();
    next.sequence = this.#nextSequence;
    this.#nextSequence += 1;
    this.#window.push(next);
    this.#liveCount += 1;
    this.#windowBytes += next.record.length;
    return next;
  }

  get #oldestSequence(): number {
    return this.#nextSequence - this.#window.length;
  }

  #at(sequence: number): Outgoing | undefined {
    return this.#window.at(sequence - this.#oldestSequence);
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
    if (this.#at(message.sequence) === message) {
      this.#windowBytes -= message.record.length;
      this.#liveCount -= 1;
      if (this.lane !== Lane.ordered) this.#remove(message);
      this.#toldBase = this.base;
      return true;
    }
    this.#waiting.remove(message);
    return false;
  }

  /** What a new session has to send again: also what the receiver holds, for it may forget it. */
  unsettled(): Outgoing[] {
    const unsettled: Outgoing[] = [];
    for (const message of this.#window) {
      if (message === undefined || message.cancelled) continue;
      message.settled = false;
      unsettled.push(message);
    }
    this.#settledBelow = 0;
    return unsettled;
  }

  /** Empties the lane, unsettled ones first: its messages move to another link. */
  takeAll(): Outgoing[] {
    const all = [...this.unsettled(), ...this.#waiting];
    for (const message of all) message.sequence = 0; // it means nothing in another lane
    this.#window.clear();
    this.#waiting.clear();
    this.#windowBytes = 0;
    this.#liveCount = 0;
    return all;
  }

  #takeHandedOn(): Outgoing[] {
    const handedOn: Outgoing[] = [];
    for (;;) {
      const head = this.#window.first;
      if (head?.settled !== true) return handedOn;
      if (head.cancelled && head.sequence >= this.#confirmedBase) return handedOn;
      this.#remove(head);
      if (!head.cancelled) handedOn.push(head);
    }
  }

  #remove(message: Outgoing): void {
    const index = message.sequence - this.#oldestSequence;
    if (this.#window.at(index) !== message) return;
    this.#window.replace(index, undefined);
    while (this.#window.length > 0 && this.#window.first === undefined) this.#window.shift();
    if (message.cancelled) return;
    this.#windowBytes -= message.record.length;
    this.#liveCount -= 1;
  }
}
