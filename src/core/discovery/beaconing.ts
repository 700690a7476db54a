import { uniformBetween } from "../../crypto/random.js";
import { withSignature } from "../../wire/header.js";
import { type Beacon, encodeBeacon, encodeLeave } from "../../wire/presence.js";
import type { CoreContext } from "../context.js";
import type { Address, Timed } from "../io.js";

/** Our own presence may cost the LAN this much in all, whatever the number of nodes. */
const BUDGET_BITS_PER_MS = 64;
/** A beacon with the longest name, and the IP and UDP headers around it. */
const BEACON_ON_WIRE_BITS = 246 * 8;
const MIN_INTERVAL_MS = 10_000;
/** Spread, so that nodes which started together do not stay together. */
const JITTER_LOW = 0.75;
const JITTER_HIGH = 1.25;
/** Nodes that power up together do not speak together. */
const FIRST_DELAY_MS = 250;
/** After the first beacon: a single loss must not hide a newcomer for a whole interval. */
const BURST_OFFSETS_MS = [1000, 2000];
const LEAVE_OFFSETS_MS = [0, 100, 300];

/** Says that we are here, when and as often as the LAN can bear, and in the end that we leave. */
export class Beaconing implements Timed {
  readonly #context: CoreContext;
  readonly #configuredPeers: readonly Address[];
  readonly #groupDigest: () => string;
  readonly #peersLive: () => number;
  #sequence = 0;
  /** What we said last. */
  #latest: Beacon | undefined;
  /** Bounded by `BURST_OFFSETS_MS`, then by `LEAVE_OFFSETS_MS`. */
  #burstAtMs: number[] = [];
  #nextAtMs: number;
  #leave: Uint8Array | undefined;

  constructor(
    nowMs: number,
    context: CoreContext,
    options: {
      readonly configuredPeers: readonly Address[];
      readonly groupDigest: () => string;
      /** Peers that are not offline: they share the budget with us. */
      readonly peersLive: () => number;
    },
  ) {
    this.#context = context;
    this.#configuredPeers = options.configuredPeers;
    this.#groupDigest = options.groupDigest;
    this.#peersLive = options.peersLive;
    this.#nextAtMs = nowMs;
    this.announceSoon(nowMs);
  }

  /** Starts over as if we had just arrived: there may be a LAN that has not heard of us. */
  announceSoon(nowMs: number): void {
    if (this.#leave !== undefined) return;
    this.#nextAtMs = nowMs + uniformBetween(this.#context.random, 0, FIRST_DELAY_MS);
    this.#burstAtMs = BURST_OFFSETS_MS.map((offsetMs) => this.#nextAtMs + offsetMs);
  }

  /** What an answer says of us: the latest beacon, or a newer one if the groups changed since. */
  current(): Beacon {
    const groupDigest = this.#groupDigest();
    if (this.#latest?.groupDigest === groupDigest) return this.#latest;
    return this.#next(groupDigest);
  }

  /** The signed goodbye, three times; nothing after it. */
  leave(nowMs: number): void {
    if (this.#leave !== undefined) return;
    const { identity, incarnation } = this.#context;
    this.#sequence += 1;
    const unsigned = encodeLeave({
      device: identity.device,
      incarnation,
      sequence: this.#sequence,
    });
    this.#leave = withSignature(unsigned, identity.sign(unsigned));
    this.#nextAtMs = Number.POSITIVE_INFINITY;
    this.#burstAtMs = LEAVE_OFFSETS_MS.map((offsetMs) => nowMs + offsetMs);
    this.wake(nowMs);
  }

  nextWakeMs(): number {
    return Math.min(this.#nextAtMs, this.#burstAtMs[0] ?? Number.POSITIVE_INFINITY);
  }

  wake(nowMs: number): void {
    if (nowMs < this.nextWakeMs()) return;
    // After a sleep several may be due: one of them says it all.
    this.#burstAtMs = this.#burstAtMs.filter((atMs) => atMs > nowMs);
    if (this.#leave === undefined) this.#beacon(nowMs);
    else this.#transmit(this.#leave);
  }

  #beacon(nowMs: number): void {
    const unsigned = encodeBeacon(this.#next(this.#groupDigest()));
    this.#transmit(withSignature(unsigned, this.#context.identity.sign(unsigned)));
    this.#context.counters.add("beaconsSent");
    const jitter = uniformBetween(this.#context.random, JITTER_LOW, JITTER_HIGH);
    this.#nextAtMs = nowMs + this.#intervalMs() * jitter;
  }

  #intervalMs(): number {
    const nodes = this.#peersLive() + 1;
    return Math.max(MIN_INTERVAL_MS, (nodes * BEACON_ON_WIRE_BITS) / BUDGET_BITS_PER_MS);
  }

  #next(groupDigest: string): Beacon {
    const { identity, incarnation, startedAtMs, dataPort, name } = this.#context;
    this.#sequence += 1;
    this.#latest = {
      device: identity.device,
      incarnation,
      sequence: this.#sequence,
      startedAtMs,
      intervalMs: Math.ceil(this.#intervalMs() * JITTER_HIGH),
      dataPort,
      groupDigest,
      name,
    };
    return this.#latest;
  }

  #transmit(bytes: Uint8Array): void {
    this.#context.outputs.transmit(bytes, { kind: "lan" });
    for (const peer of this.#configuredPeers) this.#context.outputs.unicast(bytes, peer);
  }
}
