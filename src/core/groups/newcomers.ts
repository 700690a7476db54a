import type { GroupHeartbeat } from "../../wire/group.js";
import type { Instance } from "../../wire/presence.js";
import type { Address, ReceivedDatagram } from "../io.js";
import type { Alarm } from "../timers.js";
import type { GroupsContext } from "./groupsContext.js";
import type { Baseline } from "./receiver.js";

/** Newcomers per group; the one that was heard longest ago gives way. */
const MAX_NEWCOMERS = 256;
/** Nobody is asked more often than this to show that it is running. */
const CHALLENGE_SPACING_MS = 5000;
/** After a sign of a newcomer we look whether it has shown itself: so soon, then doubling. */
const FIRST_LOOK_MS = 20;
const LAST_LOOK_MS = 5000;

/** What is known of an instance that has not shown yet that it is running. */
export interface Newcomer {
  readonly instance: Instance;
  readonly from: Address;
  readonly baseline: Baseline;
  /** It came after us. */
  readonly joins: boolean;
  /** The latest, its signature verified; undefined while only data came. */
  readonly heartbeat: GroupHeartbeat | undefined;
  /** How that came. */
  readonly via: ReceivedDatagram["via"];
}

interface Waiting {
  readonly newcomer: Newcomer;
  readonly challengedAtMs: number;
}

/**
 * Who is heard in a group for the first time may be a recording of somebody who was here once. It
 * is asked to show that it is running, and shown to nobody until then; what it said meanwhile is
 * then asked for as if it had been lost.
 */
export class Newcomers {
  readonly #context: GroupsContext;
  readonly #proved: (nowMs: number, newcomer: Newcomer) => void;
  /** By device and incarnation, in the order of their last sign; at most `MAX_NEWCOMERS`. */
  readonly #waiting = new Map<string, Waiting>();
  #lookAfterMs = FIRST_LOOK_MS;
  readonly #lookDue: Alarm = (nowMs) => this.#look(nowMs);

  constructor(context: GroupsContext, proved: (nowMs: number, newcomer: Newcomer) => void) {
    this.#context = context;
    this.#proved = proved;
  }

  get(instance: Instance): Newcomer | undefined {
    return this.#waiting.get(keyOf(instance))?.newcomer;
  }

  delete(instance: Instance): void {
    this.#waiting.delete(keyOf(instance));
  }

  /** A verified sign of it. */
  set(nowMs: number, newcomer: Newcomer): void {
    const key = keyOf(newcomer.instance);
    const last = this.#waiting.get(key)?.challengedAtMs ?? Number.NEGATIVE_INFINITY;
    this.#waiting.delete(key);
    this.#waiting.set(key, { newcomer, challengedAtMs: this.#challenge(nowMs, newcomer, last) });
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined && this.#waiting.size > MAX_NEWCOMERS) this.#waiting.delete(oldest);
    this.#lookAfterMs = FIRST_LOOK_MS;
    this.#context.timers.set(this.#lookDue, nowMs + FIRST_LOOK_MS);
  }

  close(): void {
    this.#waiting.clear();
    this.#context.timers.clear(this.#lookDue);
  }

  /** Returns when it was challenged last. */
  #challenge(nowMs: number, { instance, from, heartbeat }: Newcomer, lastMs: number): number {
    // Only a heartbeat says where it listens; and our own key is not to be asked.
    const isOurs = instance.device === this.#context.identity.device;
    if (heartbeat === undefined || isOurs || nowMs - lastMs < CHALLENGE_SPACING_MS) return lastMs;
    this.#context.challenge(nowMs, { address: from.address, port: heartbeat.dataPort });
    return nowMs;
  }

  #look(nowMs: number): void {
    for (const [key, { newcomer }] of this.#waiting) {
      if (!this.#context.isPresent(nowMs, newcomer.instance)) continue;
      this.#waiting.delete(key);
      this.#proved(nowMs, newcomer);
    }
    this.#lookAfterMs *= 2;
    if (this.#waiting.size === 0 || this.#lookAfterMs > LAST_LOOK_MS) return;
    this.#context.timers.set(this.#lookDue, nowMs + this.#lookAfterMs);
  }
}

function keyOf({ device, incarnation }: Instance): string {
  return device + incarnation;
}
