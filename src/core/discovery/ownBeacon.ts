import { SIGNATURE_BYTES } from "../../wire/constants.js";
import { type Beacon, type BeaconGroup, encodeBeacon } from "../../wire/presence.js";
import { clamp } from "../clamp.js";
import type { CoreContext } from "../context.js";

/** Our own presence may cost the LAN this much in all, whatever the number of nodes. */
const BUDGET_BITS_PER_MS = 64;
/** A beacon with the longest name and three groups, and the IP and UDP headers around it. */
const MIN_BEACON_ON_WIRE_BYTES = 246;
const IP_AND_UDP_HEADER_BYTES = 28;
const MIN_INTERVAL_MS = 10_000;
/** Each beacon wakes everybody: with more nodes each speaks less often, */
const MS_PER_NODE = 400;
/** but who vanishes without a word must be missed in two minutes. */
const MAX_SHARED_INTERVAL_MS = 40_000;
/** Spread, so that nodes which started together do not stay together. */
export const INTERVAL_JITTER = { low: 0.75, high: 1.25 };

/** What we say of ourselves, in beacons and in answers. */
export class OwnBeacon {
  readonly #context: CoreContext;
  readonly #groups: () => readonly BeaconGroup[];
  readonly #peersLive: () => number;
  #sequence = 0;
  #onWireBytes = MIN_BEACON_ON_WIRE_BYTES;
  /** What we said last. */
  #latest: Beacon | undefined;

  constructor(
    context: CoreContext,
    options: {
      /** At most `MAX_BEACON_GROUPS`. */
      readonly groups: () => readonly BeaconGroup[];
      /** Peers that share the budget with us. */
      readonly peersLive: () => number;
    },
  ) {
    this.#context = context;
    this.#groups = options.groups;
    this.#peersLive = options.peersLive;
  }

  /** Between two beacons, before the jitter. */
  intervalMs(): number {
    const nodes = this.#peersLive() + 1;
    return Math.max(
      clamp(nodes * MS_PER_NODE, MIN_INTERVAL_MS, MAX_SHARED_INTERVAL_MS),
      (nodes * this.#onWireBytes * 8) / BUDGET_BITS_PER_MS,
    );
  }

  /**
   * The latest beacon, or a newer one if our groups or our name changed since. Not for a digest: who
   * counts beacons by their sequence would take those for lost that were never sent.
   */
  current(): Beacon {
    const latest = this.#latest;
    if (latest?.name !== this.#context.name) return this.next();
    return sameGroups(latest.groups, this.#groups()) ? latest : this.next();
  }

  /** A beacon that is newer than all before. */
  next(): Beacon {
    const { identity, incarnation, startedAtMs, dataPort, name } = this.#context;
    const beacon = {
      device: identity.device,
      incarnation,
      sequence: this.nextSequence(),
      startedAtMs,
      dataPort,
      groups: this.#groups(),
      name,
    };
    const bytes = encodeBeacon({ ...beacon, intervalMs: 0 }).length + SIGNATURE_BYTES;
    this.#onWireBytes = Math.max(MIN_BEACON_ON_WIRE_BYTES, bytes + IP_AND_UDP_HEADER_BYTES);
    const intervalMs = Math.ceil(this.intervalMs() * INTERVAL_JITTER.high);
    this.#latest = { ...beacon, intervalMs };
    return this.#latest;
  }

  /** Above all that was said so far: for the goodbye. */
  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }
}

function sameGroups(a: readonly BeaconGroup[], b: readonly BeaconGroup[]): boolean {
  return a.length === b.length && a.every(({ groupId }, i) => groupId === b[i]?.groupId);
}
