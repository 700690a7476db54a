import type { Archive } from "./archive.js";

/**
 * So long a member has to ask for what it lacks, at least: several rounds of NACKs, also for one
 * whose machine stood still for a moment.
 */
const REPEATABLE_MS = 10_000;

/**
 * Keeps us from saying more than can be repeated: what does not fit our part of the archive any more
 * is forgotten, and whoever lacks it by then has lost it. One half of that part is for what comes at
 * once, the other one for what follows until the first is free again.
 */
export class ArchiveShare {
  readonly #archive: Pick<Archive, "roomFor">;
  readonly #device: string;
  /** Datagrams that may be said now; a token bucket whose size is the room that others leave. */
  #tokens = Number.POSITIVE_INFINITY;
  #filledAtMs = 0;

  constructor(archive: Pick<Archive, "roomFor">, device: string) {
    this.#archive = archive;
    this.#device = device;
  }

  /** A datagram with something new is sent. */
  said(nowMs: number): void {
    this.#refill(nowMs);
    this.#tokens -= 1;
  }

  /** When the next one may be said: now or earlier for now. */
  readyAtMs(nowMs: number): number {
    const perMs = this.#refill(nowMs);
    // Whole milliseconds: a rounding error then never asks for a wake-up at this very moment.
    return nowMs + Math.ceil(Math.max(0, 1 - this.#tokens) / perMs);
  }

  /** Returns what comes in a millisecond. */
  #refill(nowMs: number): number {
    const half = Math.max(1, this.#archive.roomFor(this.#device) / 2);
    const perMs = half / REPEATABLE_MS;
    this.#tokens = Math.min(half, this.#tokens + (nowMs - this.#filledAtMs) * perMs);
    this.#filledAtMs = nowMs;
    return perMs;
  }
}
