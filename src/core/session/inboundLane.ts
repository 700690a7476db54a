import { UdpchatError } from "../../errors.js";
import { malformed } from "../../wire/cursor.js";
import type { FragmentFrame, LanePosition } from "../../wire/frames.js";
import { MAX_RECORD_BYTES } from "../../wire/record.js";
import type { ByteBudget } from "../byteBudget.js";
import { RangeSet } from "../rangeSet.js";
import { LANE_WINDOW_RECORDS } from "./outboundLane.js";

/** Holes that an honest sender's window can leave; beyond it the lowest count as received. */
const MAX_HOLES = LANE_WINDOW_RECORDS;
/** Of a forgotten lane: holes below these count as received, and their requests as expired. */
const REMEMBERED_RANGES = 64;
/** A slice that is not the last has at least this: bounds the slices of a record. */
const MIN_SLICE_BYTES = 256;

/** A record in the making. */
class Assembly {
  readonly record: Uint8Array;
  /** Where slices began; at most `MAX_RECORD_BYTES / MIN_SLICE_BYTES`. */
  readonly #offsets = new Set<number>();
  #arrivedBytes = 0;
  lastArrivalMs = 0;

  constructor(totalBytes: number) {
    this.record = new Uint8Array(totalBytes);
  }

  /** True if the record is complete. */
  add(frame: FragmentFrame): boolean {
    if (frame.totalBytes !== this.record.length) throw malformed("fragments disagree");
    if (!this.#offsets.has(frame.offset)) {
      this.#offsets.add(frame.offset);
      this.record.set(frame.slice, frame.offset);
      this.#arrivedBytes += frame.slice.length;
    }
    return this.#arrivedBytes >= this.record.length;
  }
}

/** What is kept of a lane whose link is forgotten: what arrived there must not count as new. */
export interface LaneMemory {
  readonly received: RangeSet;
  /** Everything below was handed on or skipped. */
  readonly next: number;
}

/** What became of a frame. `refused`: no room; the packet must not be acknowledged. */
export type Taken = "new" | "partial" | "duplicate" | "refused";

/**
 * One lane from one incarnation of a peer: puts fragments together, drops what was there before,
 * and hands records on: in order on the ordered lane, as they come on the other.
 */
export class InboundLane {
  readonly #ordered: boolean;
  readonly #budget: ByteBudget;
  readonly #deliver: (nowMs: number, sequence: number, record: Uint8Array) => void;
  readonly #repeated: (nowMs: number, sequence: number) => void;
  readonly #unreadable: () => void;
  readonly #received: RangeSet;
  /** Complete, but something before them is missing. Bounded by the budget and the window. */
  readonly #held = new Map<number, Uint8Array>();
  /** Bounded by the budget. */
  readonly #assemblies = new Map<number, Assembly>();
  /** The highest base that the sender told. */
  #base = 1;
  /** The lowest sequence that was not handed on. */
  #next = 1;

  constructor(options: {
    ordered: boolean;
    budget: ByteBudget;
    /** Exactly once per sequence. */
    deliver: (nowMs: number, sequence: number, record: Uint8Array) => void;
    /** A record that was complete before arrived again. */
    repeated: (nowMs: number, sequence: number) => void;
    /** A record that was held back can't be read: it is skipped. */
    unreadable: () => void;
    /** Of the link to the same incarnation that was forgotten. */
    memory?: LaneMemory | undefined;
  }) {
    this.#ordered = options.ordered;
    this.#budget = options.budget;
    this.#deliver = options.deliver;
    this.#repeated = options.repeated;
    this.#unreadable = options.unreadable;
    this.#received = options.memory?.received ?? new RangeSet(MAX_HOLES);
    this.#next = options.memory?.next ?? 1;
    this.#base = this.#next;
  }

  message(nowMs: number, position: LanePosition, record: Uint8Array): Taken {
    const known = this.#place(nowMs, position);
    if (known !== undefined) return known;
    return this.#complete(nowMs, position.sequence, record);
  }

  fragment(nowMs: number, frame: FragmentFrame): Taken {
    const isLast = frame.offset + frame.slice.length === frame.totalBytes;
    if (frame.slice.length < MIN_SLICE_BYTES && !isLast) throw malformed("slice too small");
    if (frame.totalBytes > MAX_RECORD_BYTES) throw malformed("record too large");
    const known = this.#place(nowMs, frame);
    if (known !== undefined) return known;
    let assembly = this.#assemblies.get(frame.sequence);
    if (assembly === undefined) {
      if (!this.#budget.take(frame.totalBytes)) return "refused";
      assembly = new Assembly(frame.totalBytes);
      this.#assemblies.set(frame.sequence, assembly);
    }
    assembly.lastArrivalMs = nowMs;
    if (!assembly.add(frame)) return "partial";
    this.#dropAssembly(frame.sequence, assembly);
    return this.#complete(nowMs, frame.sequence, assembly.record);
  }

  /** The sender settled everything below `base`: what is missing there never comes. */
  advance(nowMs: number, base: number): void {
    if (base <= this.#base) return;
    this.#base = base;
    this.#received.addUpTo(base - 1);
    if (base <= this.#next) return;
    const early = [...this.#held].filter(([sequence]) => sequence < base);
    for (const [sequence, record] of early.toSorted(([a], [b]) => a - b)) {
      this.#release(nowMs, sequence, record);
    }
    for (const [sequence, assembly] of this.#assemblies) {
      if (sequence < base) this.#dropAssembly(sequence, assembly);
    }
    this.#next = base;
    this.#releaseReady(nowMs);
  }

  /** When the unfinished record that is silent for longest last grew; Infinity for none. */
  oldestArrivalMs(): number {
    if (this.#assemblies.size === 0) return Number.POSITIVE_INFINITY;
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const assembly of this.#assemblies.values()) {
      oldestMs = Math.min(oldestMs, assembly.lastArrivalMs);
    }
    return oldestMs;
  }

  /** Forgets unfinished records: the sender must start them anew, in another session. */
  dropUnfinished(): void {
    for (const [sequence, assembly] of this.#assemblies) this.#dropAssembly(sequence, assembly);
  }

  /** Gives all memory back. Returns what the next lane from the same incarnation must know. */
  dispose(): LaneMemory {
    this.dropUnfinished();
    for (const record of this.#held.values()) this.#budget.release(record.length);
    this.#held.clear();
    const next = this.#next;
    if (!this.#ordered) {
      this.#received.shrink(REMEMBERED_RANGES);
      return { received: this.#received, next };
    }
    // What was only held was never handed on: its sender keeps it, and starts it anew.
    const received = new RangeSet(MAX_HOLES);
    received.addUpTo(next - 1);
    return { received, next };
  }

  #place(nowMs: number, position: LanePosition): Taken | undefined {
    if (position.sequence - position.base >= LANE_WINDOW_RECORDS) throw malformed("beyond window");
    this.advance(nowMs, position.base);
    if (this.#received.has(position.sequence)) {
      this.#repeated(nowMs, position.sequence);
      return "duplicate";
    }
    return undefined;
  }

  #complete(nowMs: number, sequence: number, record: Uint8Array): Taken {
    if (!this.#ordered) {
      this.#received.add(sequence);
      this.#deliver(nowMs, sequence, record);
      return "new";
    }
    if (sequence !== this.#next) {
      if (!this.#budget.take(record.length)) return "refused";
      this.#received.add(sequence);
      this.#held.set(sequence, record.slice());
      return "new";
    }
    this.#received.add(sequence);
    this.#next += 1;
    try {
      this.#deliver(nowMs, sequence, record);
    } finally {
      this.#releaseReady(nowMs); // whether or not this one could be read
    }
    return "new";
  }

  #releaseReady(nowMs: number): void {
    for (;;) {
      const record = this.#held.get(this.#next);
      if (record === undefined) return;
      this.#next += 1;
      this.#release(nowMs, this.#next - 1, record);
    }
  }

  #release(nowMs: number, sequence: number, record: Uint8Array): void {
    this.#held.delete(sequence);
    this.#budget.release(record.length);
    try {
      this.#deliver(nowMs, sequence, record);
    } catch (error) {
      // Its packet was acknowledged long ago: those behind it must not wait for it.
      if (!isMalformed(error)) throw error;
      this.#unreadable();
    }
  }

  #dropAssembly(sequence: number, assembly: Assembly): void {
    this.#assemblies.delete(sequence);
    this.#budget.release(assembly.record.length);
  }
}

function isMalformed(error: unknown): boolean {
  return error instanceof UdpchatError && error.code === "MALFORMED_DATAGRAM";
}
