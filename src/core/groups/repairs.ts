import type { SequenceRange } from "../../wire/group.js";
import type { Instance } from "../../wire/presence.js";
import { BoundedMap } from "../boundedMap.js";
import type { Counters } from "../counters.js";
import type { Archive } from "./archive.js";

/** Repairs that wait at the same time; whoever misses more asks again. */
const MAX_WAITING = 1024;
/** Looked at before the signature of whoever asks is. */
const FIRST_LOOK = 16;
/** Repairs that are remembered, of all authors together. */
const MAX_REMEMBERED = 4096;
/** What was repeated this recently is not repeated again: the other NACKs were for the same. */
const MIN_SPACING_MS = 20;

interface Repair {
  readonly of: Instance;
  readonly sequence: number;
}

/** Datagrams of the archive, our own and those of others, that are to be sent again. */
export class Repairs {
  readonly #counters: Counters;
  readonly #archive: Archive;
  /** In the order of their asking; at most `MAX_WAITING`. */
  readonly #waiting = new Map<string, Repair>();
  /** When it was sent last, by us or by somebody else. */
  readonly #repeatedAtMs = new BoundedMap<string, number>(MAX_REMEMBERED);

  constructor(counters: Counters, archive: Archive) {
    this.#counters = counters;
    this.#archive = archive;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** False if `wanted` is surely empty. Costs little: anybody can ask in a member's name. */
  mayWant(nowMs: number, of: Instance, ranges: readonly SequenceRange[], grttMs: number): boolean {
    const first = this.#archive.heldIn(of, ranges, FIRST_LOOK);
    return (
      first.length === FIRST_LOOK ||
      first.some((sequence) => this.#isWanted(nowMs, of, sequence, grttMs))
    );
  }

  /** Which sequences in `ranges`, ascending, we would repeat now: costs no more than the bounds. */
  wanted(nowMs: number, of: Instance, ranges: readonly SequenceRange[], grttMs: number): number[] {
    return this.#archive
      .heldIn(of, ranges, MAX_WAITING)
      .filter((sequence) => this.#isWanted(nowMs, of, sequence, grttMs));
  }

  #isWanted(nowMs: number, of: Instance, sequence: number, grttMs: number): boolean {
    const key = keyOf(of, sequence);
    if (this.#waiting.has(key)) return false;
    const repeatedAtMs = this.#repeatedAtMs.get(key) ?? Number.NEGATIVE_INFINITY;
    return nowMs - repeatedAtMs >= Math.max(MIN_SPACING_MS, grttMs);
  }

  add(of: Instance, sequences: Iterable<number>): void {
    for (const sequence of sequences) {
      if (this.#waiting.size >= MAX_WAITING) return;
      this.#waiting.set(keyOf(of, sequence), { of, sequence });
    }
  }

  /** It waits to be sent. */
  has(of: Instance, sequence: number): boolean {
    return this.#waiting.has(keyOf(of, sequence));
  }

  /** Somebody else sent it to all. */
  heard(nowMs: number, of: Instance, sequence: number): void {
    const key = keyOf(of, sequence);
    this.#waiting.delete(key);
    this.#repeatedAtMs.set(key, nowMs);
  }

  /**
   * The next one, before its seal; undefined if there is none. `keyId`: of the key that it will be
   * sealed with. What was said under another one is not repeated: not all who have this key have
   * that one.
   */
  take(nowMs: number, keyId: string | undefined): (Repair & { bytes: Uint8Array }) | undefined {
    for (const [key, repair] of this.#waiting) {
      this.#waiting.delete(key);
      const kept = this.#archive.read(repair.of, repair.sequence);
      if (kept === undefined || kept.keyId !== keyId) continue;
      this.#repeatedAtMs.set(key, nowMs);
      this.#counters.add("repairsSent");
      return { ...repair, bytes: kept.bytes };
    }
    return undefined;
  }
}

function keyOf({ device, incarnation }: Instance, sequence: number): string {
  return `${device}${incarnation}${sequence}`;
}
