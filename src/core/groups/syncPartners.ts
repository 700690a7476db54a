import type { Instance } from "../../wire/presence.js";
import { BoundedMap } from "../boundedMap.js";
import { RangeSet } from "../rangeSet.js";

/** Members whose digests are remembered, per group. */
const MAX_PARTNERS = 256;
/** Streams of one member that it could not give us, and ranges of each. */
const MAX_UNAVAILABLE_STREAMS = 64;
const MAX_UNAVAILABLE_RANGES = 64;
const UNAVAILABLE_MS = 600_000;
/** Whoever turned us away is not asked before. */
const BUSY_MS = 1000;
/** After exchanges that brought nothing: doubling from the first to the last. */
const FIRST_BACKOFF_MS = 2000;
const MAX_BACKOFF_MS = 600_000;
/** The same, once either of the two holds something else than then. */
const MAX_CHANGED_BACKOFF_MS = 30_000;

/** What one member is to us in the exchange of what is held. */
export class SyncPartner {
  /** Of its last heartbeat or beacon. */
  digest: string | undefined;
  heardAtMs = Number.NEGATIVE_INFINITY;
  /** All its digests since then were others than ours. */
  differsSinceMs: number | undefined;
  /** It came back: we need not wait until talk has settled. */
  returned = false;
  #fruitless = 0;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #triedDigests = "";
  #shunnedUntilMs = Number.NEGATIVE_INFINITY;
  #busyUntilMs = Number.NEGATIVE_INFINITY;
  readonly #unavailable = new BoundedMap<string, RangeSet>(MAX_UNAVAILABLE_STREAMS);
  #unavailableSinceMs = Number.NEGATIVE_INFINITY;

  /** It is not asked before. `ourDigest`: the present one. */
  askableAtMs(ourDigest: string): number {
    const isSame = this.#triedDigests === this.#digestsWith(ourDigest);
    const maxMs = isSame ? MAX_BACKOFF_MS : MAX_CHANGED_BACKOFF_MS;
    const backoffMs =
      this.#fruitless === 0 ? 0 : Math.min(FIRST_BACKOFF_MS * 2 ** (this.#fruitless - 1), maxMs);
    return Math.max(this.#triedAtMs + backoffMs, this.#shunnedUntilMs, this.#busyUntilMs);
  }

  /** It has no time now, or does not know us yet. */
  turnedUsAway(nowMs: number): void {
    this.#busyUntilMs = nowMs + BUSY_MS;
  }

  /** It is not asked for so long, whatever it holds. */
  shun(nowMs: number, spanMs: number): void {
    this.#shunnedUntilMs = nowMs + spanMs;
  }

  isShunned(nowMs: number): boolean {
    return nowMs < this.#shunnedUntilMs;
  }

  /** An exchange with it is over. */
  tried(nowMs: number, ourDigest: string, fruitful: boolean): void {
    this.#triedAtMs = nowMs;
    this.#triedDigests = this.#digestsWith(ourDigest);
    this.#fruitless = fruitful ? 0 : this.#fruitless + 1;
    this.differsSinceMs = undefined;
    this.returned = false;
  }

  #digestsWith(ourDigest: string): string {
    return `${ourDigest} ${this.digest}`;
  }

  /** It could not give us this, or we did not take it. */
  couldNotGive(nowMs: number, of: Instance, sequence: number): void {
    const key = of.device + of.incarnation;
    const ranges = this.#unavailable.get(key) ?? new RangeSet(MAX_UNAVAILABLE_RANGES);
    ranges.add(sequence);
    this.#unavailable.set(key, ranges);
    this.#unavailableSinceMs = nowMs;
  }

  /** What it could not give a while ago; undefined for nothing. */
  unavailable(nowMs: number, of: Instance): RangeSet | undefined {
    if (nowMs - this.#unavailableSinceMs > UNAVAILABLE_MS) return undefined;
    return this.#unavailable.get(of.device + of.incarnation);
  }
}

/** The members of one group as partners; at most `MAX_PARTNERS`, the latest heard. */
export class SyncPartners {
  readonly #partners = new BoundedMap<string, SyncPartner>(MAX_PARTNERS);

  /** The device becomes the latest heard. */
  heard(device: string): SyncPartner {
    const partner = this.#partners.get(device) ?? new SyncPartner();
    this.#partners.set(device, partner);
    return partner;
  }

  get(device: string): SyncPartner | undefined {
    return this.#partners.get(device);
  }
}
