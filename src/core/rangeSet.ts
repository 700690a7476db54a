import type { SequenceRange } from "../wire/group.js";

/**
 * A set of whole numbers kept as ranges: what arrived, of packets, lane positions or group
 * datagrams. At most `maxRanges` ranges are kept; beyond that the lowest two are joined, so
 * that a number in between counts as present (for duplicate suppression: never executed twice).
 */
export class RangeSet {
  /** Ascending, apart by at least one missing number. */
  readonly #ranges: { first: number; last: number }[] = [];
  readonly #maxRanges: number;

  constructor(maxRanges: number) {
    this.#maxRanges = maxRanges;
  }

  /** From ranges that ascend and are apart; without a bound on their number. */
  static of(ranges: readonly SequenceRange[]): RangeSet {
    const set = new RangeSet(Number.POSITIVE_INFINITY);
    for (const { first, last } of ranges) set.#ranges.push({ first, last });
    return set;
  }

  /** Adds one number; false if it was present. */
  add(value: number): boolean {
    const ranges = this.#ranges;
    const index = this.#indexAtOrBelow(value);
    const below = ranges[index];
    if (below !== undefined && value <= below.last) return false;
    const above = ranges[index + 1];
    const touching = below?.last === value - 1 ? below : undefined;
    if (above?.first === value + 1) {
      above.first = touching?.first ?? value;
      if (touching !== undefined) ranges.splice(index, 1);
    } else if (touching !== undefined) {
      touching.last = value;
    } else {
      ranges.splice(index + 1, 0, { first: value, last: value });
      this.#joinLowest();
    }
    return true;
  }

  /** Adds every number from 0 up to and including `last`. */
  addUpTo(last: number): void {
    if (last < 0) return;
    const ranges = this.#ranges;
    const [lowest] = ranges;
    if (lowest?.first === 0 && last <= lowest.last) return; // all there
    let top = last;
    let swallowed = 0;
    for (const range of ranges) {
      if (range.first > top + 1) break;
      top = Math.max(top, range.last);
      swallowed += 1;
    }
    ranges.splice(0, swallowed, { first: 0, last: top });
    this.#joinLowest();
  }

  has(value: number): boolean {
    const range = this.#ranges[this.#indexAtOrBelow(value)];
    return range !== undefined && value <= range.last;
  }

  /**
   * The highest range that does not begin behind `value`; -1 for none. Others choose how many
   * ranges there are, and how often we look: a walk through them all would cost them little.
   */
  #indexAtOrBelow(value: number): number {
    const ranges = this.#ranges;
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ranges[middle]?.first ?? 0) <= value) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The numbers from `first` to `last` that are absent, as ascending ranges, at most `limit`. */
  missing(first: number, last: number, limit: number): SequenceRange[] {
    const absent: SequenceRange[] = [];
    let next = first;
    for (let at = Math.max(0, this.#indexAtOrBelow(first)); at < this.#ranges.length; at += 1) {
      const range = this.#ranges[at];
      if (range === undefined || next > last || absent.length >= limit) break;
      if (range.last < next) continue;
      if (range.first > next) absent.push({ first: next, last: Math.min(last, range.first - 1) });
      next = range.last + 1;
    }
    if (next <= last && absent.length < limit) absent.push({ first: next, last });
    return absent;
  }

  /** The numbers from `first` to `last` that are present, as ascending ranges. */
  *present(first: number, last: number): Iterable<SequenceRange> {
    for (let at = Math.max(0, this.#indexAtOrBelow(first)); at < this.#ranges.length; at += 1) {
      const range = this.#ranges[at];
      if (range === undefined || range.first > last || first > last) return;
      if (range.last < first) continue;
      yield { first: Math.max(first, range.first), last: Math.min(last, range.last) };
    }
  }

  /** The ranges with the highest first, at most `limit`: the form of an ACK frame. */
  descending(limit: number): SequenceRange[] {
    const newest = this.#ranges.slice(Math.max(0, this.#ranges.length - limit));
    return newest.toReversed().map(({ first, last }) => ({ first, last }));
  }

  /** All ranges, at most `limit`, the lowest first. */
  ascending(limit = Number.POSITIVE_INFINITY): SequenceRange[] {
    return this.#ranges.slice(0, limit).map(({ first, last }) => ({ first, last }));
  }

  /** The lowest number present, or undefined. */
  get lowest(): number | undefined {
    return this.#ranges[0]?.first;
  }

  /** The highest number present, or -1. */
  get highest(): number {
    return this.#ranges.at(-1)?.last ?? -1;
  }

  get rangeCount(): number {
    return this.#ranges.length;
  }

  /** Forgets ranges that lie wholly below `value`. */
  forgetBelow(value: number): void {
    let stale = 0;
    for (const range of this.#ranges) {
      if (range.last >= value) break;
      stale += 1;
    }
    this.#ranges.splice(0, stale);
  }

  /** Forgets every number up to and including `last`. */
  removeUpTo(last: number): void {
    this.forgetBelow(last + 1);
    const [lowest] = this.#ranges;
    if (lowest !== undefined && lowest.first <= last) lowest.first = last + 1;
  }

  /** Forgets the lowest range and returns its last number, or -1 if the set is empty. */
  dropLowest(): number {
    return this.#ranges.shift()?.last ?? -1;
  }

  /** Joins the lowest ranges until at most `maxRanges` are left. */
  shrink(maxRanges: number): void {
    const surplus = this.#ranges.length - maxRanges;
    const [lowest] = this.#ranges;
    const kept = this.#ranges[surplus];
    if (surplus <= 0 || lowest === undefined || kept === undefined) return;
    kept.first = lowest.first;
    this.#ranges.splice(0, surplus);
  }

  #joinLowest(): void {
    this.shrink(this.#maxRanges);
  }
}
