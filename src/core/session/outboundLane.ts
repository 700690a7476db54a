import { fragmentOverheadBytes, type LaneCode } from "../../wire/frames.js";
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
 */
export class OutboundLane {
  readonly lane: LaneCode;
  /** Without a sequence yet, oldest first. Bounded by the owner's queue limits. */
  readonly #waiting: Outgoing[] = [];
  /** By sequence, ascending; at most `LANE_WINDOW_RECORDS`. */
  readonly #window = new Map<number, Outgoing>();
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
    for (const sequence of this.#window.keys()) return sequence;
    return this.#nextSequence;
  }

  get idle(): boolean {
    return this.#waiting.length === 0 && this.#window.size === 0;
  }

  add(message: Outgoing): void {
    this.#waiting.push(message);
  }

  /** The next record that may start, with its sequence; undefined if none may. */
  admit(): Outgoing | undefined {
    const next = this.#waiting[0];
    if (next === undefined) return undefined;
    const inWindow = this.#nextSequence - this.base < LANE_WINDOW_RECORDS;
    const fits = this.#windowBytes + next.record.length <= LANE_WINDOW_BYTES;
    if (!inWindow || !fits) return undefined;
    this.#waiting.shift();
    next.sequence = this.#nextSequence;
    this.#nextSequence += 1;
    this.#window.set(next.sequence, next);
    this.#windowBytes += next.record.length;
    return next;
  }

  /** Acknowledged or given up: true if it had a sequence, which the receiver may wait for. */
  settle(message: Outgoing): boolean {
    message.settled = true;
    if (this.#window.delete(message.sequence)) {
      this.#windowBytes -= message.record.length;
      return true;
    }
    const index = this.#waiting.indexOf(message);
    if (index >= 0) this.#waiting.splice(index, 1);
    return false;
  }

  /** Records with a sequence that are not settled: what a new session has to send again. */
  unsettled(): Outgoing[] {
    return [...this.#window.values()];
  }

  /** Empties the lane, unsettled ones first: its messages move to another link. */
  takeAll(): Outgoing[] {
    const all = [...this.#window.values(), ...this.#waiting];
    this.#window.clear();
    this.#waiting.length = 0;
    this.#windowBytes = 0;
    return all;
  }
}
