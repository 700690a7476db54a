/**
 * Whether each peer is still there.
 *
 * ```text
 *             sign of life                 2.25 promises of silence
 *   offline -------------> online ------------------------------------> suspect
 *      ^                     | ^                                           |
 *      |   leave             | |   sign of life, or we ourselves slept     |
 *      +---------------------+ +-------------------------------------------+
 *      +----------------------------- three probes unanswered -------------+
 * ```
 *
 * Silence is only looked at when a deadline has passed, so that a packet costs no timer.
 */
import type { Timed } from "../io.js";
import { TimerQueue } from "../timers.js";
import type { Roster } from "./roster.js";
import type { RosterEntry } from "./rosterEntry.js";

/** One beacon may be lost; a second one costs a few probes. */
const SILENT_INTERVALS = 2.25;
/** What is left of the silence allowed once suspicion was lifted because we slept. */
const GRACE_INTERVALS = 1;
/** When probes go out, and when they count as unanswered, after the suspicion arose. */
export const PROBE_OFFSETS_MS = [0, 500, 1000];
const PROBE_VERDICT_MS = 1500;
/** Somebody who talked to us and whose beacons never came. */
const CONTACT_SILENCE_MS = 60_000;
/** Peers whose time is up in the same second are looked at together. */
const LOOK_EVERY_MS = 1000;
const FORGET_OFFLINE_MS = 24 * 3_600_000;
const SWEEP_EVERY_MS = 3_600_000;

export class Liveness implements Timed {
  readonly #roster: Roster;
  readonly #probe: (nowMs: number, entry: RosterEntry) => void;
  /** Of entries that are not offline: bounded as the roster is. */
  readonly #deadlines = new TimerQueue<RosterEntry>();
  #sweepAtMs = Number.POSITIVE_INFINITY;

  constructor(roster: Roster, probe: (nowMs: number, entry: RosterEntry) => void) {
    this.#roster = roster;
    this.#probe = probe;
  }

  /** A sign of life. */
  alive(nowMs: number, entry: RosterEntry): void {
    entry.lastHeardMs = nowMs;
    // A deadline that is too early moves itself; one that is too late (a shorter promise) cannot.
    const deadlineMs = this.#deadlines.get(entry) ?? Number.POSITIVE_INFINITY;
    const dueMs = silentUntilMs(entry);
    if (entry.state === "online" && deadlineMs <= dueMs) return;
    this.#deadlines.set(entry, dueMs);
    this.#roster.setState(nowMs, entry, "online");
  }

  /** It said goodbye, or nothing brought an answer. */
  gone(nowMs: number, entry: RosterEntry): void {
    this.#deadlines.clear(entry);
    this.#roster.setState(nowMs, entry, "offline");
    if (!entry.beaconed) this.#roster.remove(entry);
    this.#sweepAtMs = Math.min(this.#sweepAtMs, nowMs + SWEEP_EVERY_MS);
  }

  /**
   * We could not listen for `lagMs`: nobody's silence counts in that time, and whoever was under
   * suspicion gets another interval (Lifeguard, arXiv:1707.00788 section IV).
   */
  compensate(nowMs: number, lagMs: number): void {
    for (const entry of this.#roster.values()) {
      entry.shift(nowMs, lagMs);
      if (entry.state === "offline") continue;
      if (entry.state === "suspect") {
        entry.lastHeardMs = nowMs - (SILENT_INTERVALS - GRACE_INTERVALS) * entry.promiseMs;
        this.#roster.setState(nowMs, entry, "online");
      }
      this.#deadlines.set(entry, silentUntilMs(entry));
    }
  }

  nextWakeMs(): number {
    return Math.min(this.#deadlines.nextMs(), this.#sweepAtMs);
  }

  wake(nowMs: number): void {
    for (;;) {
      const entry = this.#deadlines.popDue(nowMs);
      if (entry === undefined) break;
      this.#judge(nowMs, entry);
    }
    if (this.#sweepAtMs <= nowMs) this.#sweep(nowMs);
  }

  #judge(nowMs: number, entry: RosterEntry): void {
    if (entry.state === "online" && silentUntilMs(entry) > nowMs) {
      this.#deadlines.set(entry, Math.ceil(silentUntilMs(entry) / LOOK_EVERY_MS) * LOOK_EVERY_MS);
    } else if (entry.state === "online" && entry.beaconed) {
      this.#deadlines.set(entry, nowMs + PROBE_VERDICT_MS);
      this.#roster.setState(nowMs, entry, "suspect");
      this.#probe(nowMs, entry);
    } else {
      this.gone(nowMs, entry);
    }
  }

  #sweep(nowMs: number): void {
    this.#sweepAtMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#roster.values()) {
      if (entry.state !== "offline") continue;
      if (nowMs - entry.offlineSinceMs >= FORGET_OFFLINE_MS) this.#roster.remove(entry);
      else this.#sweepAtMs = nowMs + SWEEP_EVERY_MS;
    }
  }
}

function silentUntilMs(entry: RosterEntry): number {
  const allowedMs = entry.beaconed ? SILENT_INTERVALS * entry.promiseMs : CONTACT_SILENCE_MS;
  return entry.lastHeardMs + allowedMs;
}
