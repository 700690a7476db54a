import type { GroupHeartbeat } from "../../wire/group.js";
import type { Instance } from "../../wire/presence.js";
import type { Alarm } from "../timers.js";
import { silenceAllowedMs } from "./member.js";

/** After the first sign of somebody: three hellos, and an answer to ours, have had their time. */
const FIRST_PATIENCE_MS = 1500;
/**
 * Heartbeats that came by unicast while their twins by multicast did not: at 30 % loss one in
 * 1400 series of so many is chance.
 */
const COPIES_TO_BE_SURE = 6;
/** Heartbeats that tell a member something by unicast: two of them may be lost. */
const TOLD_TIMES = 3;

/** Since when we ask a member for copies. */
interface Doubt {
  /** Heartbeats that we asked it with so far. */
  rounds: number;
  /** Its heartbeats that came by unicast alone. */
  copiesHeard: number;
}

/** Whether multicast of one member reaches us. */
export class ReachWatch implements Instance {
  readonly device: string;
  readonly incarnation: string;
  readonly alarm: Alarm;
  /** Its latest beacon says that it is in the group. */
  announced = false;
  doubt: Doubt | undefined;
  /** Our next heartbeats that go to it by unicast and do not ask for copies. */
  plainLeft = 0;
  readonly #sinceMs: number;
  #heardAtMs: number | undefined;
  #copiedAtMs = Number.NEGATIVE_INFINITY;
  #multicastSequence = -1;
  #unicastSequence = -1;
  #allowedMs = FIRST_PATIENCE_MS;
  /** What it held by its last beacon, and when that came. */
  #beacon: { readonly digest: string; readonly atMs: number } | undefined;

  constructor(nowMs: number, instance: Instance, due: (nowMs: number, watch: ReachWatch) => void) {
    this.device = instance.device;
    this.incarnation = instance.incarnation;
    this.#sinceMs = nowMs;
    this.alarm = (atMs) => due(atMs, this);
  }

  /** From then on it should have been heard by multicast. */
  get silentAtMs(): number {
    return this.#heardAtMs === undefined
      ? this.#sinceMs + FIRST_PATIENCE_MS
      : this.#heardAtMs + this.#allowedMs;
  }

  /** Multicast of it surely does not reach us. */
  get isUnheard(): boolean {
    return this.doubt !== undefined && this.doubt.copiesHeard >= COPIES_TO_BE_SURE;
  }

  /** It said something by unicast lately. */
  isHeardByUnicast(nowMs: number): boolean {
    return nowMs < this.#copiedAtMs + this.#allowedMs;
  }

  /** The heartbeat is newer than all that came this way. */
  isNews({ sequence }: GroupHeartbeat, byUnicast: boolean): boolean {
    return sequence > (byUnicast ? this.#unicastSequence : this.#multicastSequence);
  }

  /** A verified heartbeat that is news came by multicast. True if that ends a doubt. */
  heardByMulticast(nowMs: number, { sequence, intervalMs }: GroupHeartbeat): boolean {
    this.#multicastSequence = sequence;
    this.#heardAtMs = nowMs;
    this.#allowedMs = silenceAllowedMs(intervalMs);
    if (this.doubt === undefined) return false;
    this.doubt = undefined;
    this.plainLeft = TOLD_TIMES;
    return true;
  }

  /** A verified heartbeat that is news came by unicast. True if that makes sure. */
  heardByUnicast(nowMs: number, { sequence, intervalMs }: GroupHeartbeat): boolean {
    this.#unicastSequence = sequence;
    this.#copiedAtMs = nowMs;
    this.#allowedMs = silenceAllowedMs(intervalMs);
    if (this.doubt === undefined) return false;
    this.doubt.copiesHeard += 1;
    return this.doubt.copiesHeard === COPIES_TO_BE_SURE;
  }

  /** It does not hear of us otherwise: our next heartbeats go to it by unicast as well. */
  greet(): void {
    this.plainLeft = TOLD_TIMES;
  }

  /**
   * What its beacon says that it holds. True if that is something new, neither it nor anybody was
   * heard by multicast since the beacon before, and we do not hold the same. `dataAtMs`: when a
   * line was heard last.
   */
  holds(nowMs: number, digest: string, ourDigest: string, dataAtMs: number): boolean {
    const last = this.#beacon;
    this.#beacon = { digest, atMs: nowMs };
    if (last === undefined || last.digest === digest || digest === ourDigest) return false;
    return Math.max(this.#heardAtMs ?? this.#sinceMs, dataAtMs) < last.atMs;
  }

  /** Time in which nobody could have been heard does not count as silence. */
  compensate(nowMs: number, lagMs: number): void {
    const shifted = (atMs: number): number => Math.min(nowMs, atMs + lagMs);
    if (this.#heardAtMs !== undefined) this.#heardAtMs = shifted(this.#heardAtMs);
    this.#copiedAtMs = shifted(this.#copiedAtMs);
  }
}
