import type { Instance } from "../../wire/presence.js";
import { BoundedMap } from "../boundedMap.js";
import { instanceKey } from "./instanceKey.js";

const MAX_PASSERS = 1024;
/** Then it has to show again that it is running. */
const LIFETIME_MS = 180_000;

/** Processes that do not announce themselves, have no place in the roster, and were running lately. */
export class Passers {
  /** When each showed it last, by instance; the longest unheard gives way. */
  readonly #provedAtMs = new BoundedMap<string, number>(MAX_PASSERS);

  proved(nowMs: number, instance: Instance): void {
    this.#provedAtMs.set(instanceKey(instance), nowMs);
  }

  isPresent(nowMs: number, instance: Instance): boolean {
    const provedAtMs = this.#provedAtMs.get(instanceKey(instance));
    return provedAtMs !== undefined && nowMs - provedAtMs <= LIFETIME_MS;
  }
}
