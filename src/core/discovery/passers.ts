import type { Instance } from "../../wire/presence.js";
import { BoundedMap } from "../boundedMap.js";
import type { Address } from "../io.js";
import { instanceKey } from "./instanceKey.js";

const MAX_PASSERS = 1024;
/** Then it has to show again that it is running. */
const LIFETIME_MS = 180_000;

/** Who showed it this lately need not be asked again. */
const FRESH_MS = 60_000;

interface Passer {
  readonly provedAtMs: number;
  /** Where it answered a question that went there, or was met in a session. */
  readonly at: Address | undefined;
}

/** Processes that do not announce themselves, have no place in the roster, and were running lately. */
export class Passers {
  /** By instance; the longest unheard gives way. */
  readonly #passers = new BoundedMap<string, Passer>(MAX_PASSERS);

  /** `at`: if that is where it is. */
  proved(nowMs: number, instance: Instance, at: Address | undefined): void {
    const key = instanceKey(instance);
    this.#passers.set(key, { provedAtMs: nowMs, at: at ?? this.#passers.get(key)?.at });
  }

  isPresent(nowMs: number, instance: Instance): boolean {
    return this.#provedWithin(nowMs, instance, LIFETIME_MS);
  }

  /** It was running a moment ago, and it is known where. */
  isFresh(nowMs: number, instance: Instance): boolean {
    return this.addressOf(instance) !== undefined && this.#provedWithin(nowMs, instance, FRESH_MS);
  }

  #provedWithin(nowMs: number, instance: Instance, spanMs: number): boolean {
    const passer = this.#passers.get(instanceKey(instance));
    return passer !== undefined && nowMs - passer.provedAtMs <= spanMs;
  }

  /** Where it has shown that it is, however long ago. */
  addressOf(instance: Instance): Address | undefined {
    return this.#passers.get(instanceKey(instance))?.at;
  }
}
