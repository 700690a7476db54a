import { uniformBetween } from "../../crypto/random.js";
import { withSignature } from "../../wire/header.js";
import { encodeBeacon, encodeLeave } from "../../wire/presence.js";
import type { CoreContext } from "../context.js";
import type { Address, Timed } from "../io.js";
import { INTERVAL_JITTER, type OwnBeacon } from "./ownBeacon.js";

/** Nodes that power up together do not speak together. */
const FIRST_DELAY_MS = 250;
/** After the first beacon: a single loss must not hide a newcomer for a whole interval. */
const BURST_OFFSETS_MS = [1000, 2000];
/** Between two beacons that say which groups we are in. */
const GROUPS_SPACING_MS = 1000;
const LEAVE_OFFSETS_MS = [0, 100, 300];

/** Says that we are here, when and as often as the LAN can bear, and in the end that we leave. */
export class Beaconing implements Timed {
  readonly #context: CoreContext;
  readonly #ownBeacon: OwnBeacon;
  readonly #configuredPeers: () => readonly Address[];
  /** Bounded by `BURST_OFFSETS_MS`, then by `LEAVE_OFFSETS_MS`. */
  #burstAtMs: number[] = [];
  #nextAtMs: number;
  /** The next one that goes out for a change of our groups alone. */
  #groupsAtMs = Number.POSITIVE_INFINITY;
  #groupsSaidAtMs = Number.NEGATIVE_INFINITY;
  #leave: Uint8Array | undefined;
  readonly #begun: (nowMs: number) => void;
  #hasBegun = false;

  /** `begun`: called once, when the first beacon has gone out. */
  constructor(
    nowMs: number,
    context: CoreContext,
    ownBeacon: OwnBeacon,
    configuredPeers: () => readonly Address[],
    begun: (nowMs: number) => void,
  ) {
    this.#begun = begun;
    this.#context = context;
    this.#ownBeacon = ownBeacon;
    this.#configuredPeers = configuredPeers;
    this.#nextAtMs = nowMs;
    this.announceSoon(nowMs);
  }

  /** Starts over as if we had just arrived: there may be a LAN that has not heard of us. */
  announceSoon(nowMs: number): void {
    this.#nextAtMs = nowMs + uniformBetween(this.#context.random, 0, FIRST_DELAY_MS);
    this.#burstAtMs = BURST_OFFSETS_MS.map((offsetMs) => this.#nextAtMs + offsetMs);
  }

  /** We joined or left a group: says so soon, at most once a second. */
  groupsChanged(nowMs: number): void {
    const soonMs = nowMs + uniformBetween(this.#context.random, 0, FIRST_DELAY_MS);
    const atMs = Math.max(soonMs, this.#groupsSaidAtMs + GROUPS_SPACING_MS);
    this.#groupsAtMs = Math.min(this.#groupsAtMs, atMs);
  }

  /** The signed goodbye, three times: nothing is called after it but `wake`. */
  leave(nowMs: number): void {
    const { identity, incarnation } = this.#context;
    const unsigned = encodeLeave({
      device: identity.device,
      incarnation,
      sequence: this.#ownBeacon.nextSequence(),
    });
    this.#leave = withSignature(unsigned, identity.sign(unsigned));
    this.#nextAtMs = Number.POSITIVE_INFINITY;
    this.#groupsAtMs = Number.POSITIVE_INFINITY;
    this.#burstAtMs = LEAVE_OFFSETS_MS.map((offsetMs) => nowMs + offsetMs);
    this.wake(nowMs);
  }

  nextWakeMs(): number {
    const burstAtMs = this.#burstAtMs[0] ?? Number.POSITIVE_INFINITY;
    return Math.min(this.#nextAtMs, this.#groupsAtMs, burstAtMs);
  }

  wake(nowMs: number): void {
    if (nowMs < this.nextWakeMs()) return;
    // After a sleep several may be due: one of them says it all.
    this.#burstAtMs = this.#burstAtMs.filter((atMs) => atMs > nowMs);
    if (this.#leave === undefined) this.#beacon(nowMs);
    else this.#transmit(this.#leave);
  }

  #beacon(nowMs: number): void {
    const unsigned = encodeBeacon(this.#ownBeacon.next());
    this.#transmit(withSignature(unsigned, this.#context.identity.sign(unsigned)));
    this.#context.counters.add("beaconsSent");
    // Whatever the occasion, it says which groups we are in.
    if (this.#groupsAtMs !== Number.POSITIVE_INFINITY) this.#groupsSaidAtMs = nowMs;
    this.#groupsAtMs = Number.POSITIVE_INFINITY;
    const { low, high } = INTERVAL_JITTER;
    const jitter = uniformBetween(this.#context.random, low, high);
    this.#nextAtMs = nowMs + this.#ownBeacon.intervalMs() * jitter;
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#begun(nowMs);
  }

  #transmit(bytes: Uint8Array): void {
    this.#context.outputs.transmit(bytes, { kind: "lan" });
    for (const peer of this.#configuredPeers()) this.#context.outputs.unicast(bytes, peer);
  }
}
