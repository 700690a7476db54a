import type { Beacon, Instance } from "../../wire/presence.js";
import { BoundedMap } from "../boundedMap.js";
import type { CoreContext } from "../context.js";
import type { Address } from "../io.js";
import { instanceKey } from "./instanceKey.js";

/** Instances reported already, and rivals that wait: the oldest is forgotten. */
const MAX_REPORTED = 64;
const MAX_RIVALS = 64;
/** The life of a query: both have answered one within this time. */
const TOGETHER_MS = 5_000;

interface Rival {
  readonly beacon: Beacon;
  readonly at: Address;
  readonly provedAtMs: number;
}

/**
 * Tells, once per instance, of a key that is live in two places. Both must have shown it just now:
 * a recording of a former start proves nothing.
 */
export class DuplicateKeys {
  readonly #context: CoreContext;
  /** By instance. */
  readonly #reported = new BoundedMap<string, true>(MAX_REPORTED);
  /** By device: an instance beside the one in the roster. */
  readonly #rivals = new BoundedMap<string, Rival>(MAX_RIVALS);

  constructor(context: CoreContext) {
    this.#context = context;
  }

  isReported(instance: Instance): boolean {
    return this.#reported.has(instanceKey(instance));
  }

  /** Another process with our own key is running. */
  twinProved(beacon: Beacon, at: Address): void {
    this.#report(beacon, at);
  }

  /** An instance is running beside the one in the roster, which has yet to show the same. */
  rivalProved(nowMs: number, beacon: Beacon, at: Address): void {
    this.#rivals.set(beacon.device, { beacon, at, provedAtMs: nowMs });
  }

  /** The instance in the roster is running. */
  holderProved(nowMs: number, { device, incarnation }: Instance): void {
    const rival = this.#rivals.get(device);
    if (rival === undefined) return;
    this.#rivals.delete(device);
    if (rival.beacon.incarnation === incarnation) return;
    if (nowMs - rival.provedAtMs <= TOGETHER_MS) this.#report(rival.beacon, rival.at);
  }

  #report(beacon: Beacon, at: Address): void {
    if (this.isReported(beacon)) return;
    this.#reported.set(instanceKey(beacon), true);
    this.#context.outputs.event({
      kind: "duplicateKey",
      peer: {
        ...at,
        id: beacon.device,
        name: beacon.name,
        incarnation: beacon.incarnation,
        state: "online",
        via: "query",
        rttMs: undefined,
        addresses: [at],
      },
    });
  }
}
