import { type GroupKey, groupKeyOf } from "../../crypto/groupSeal.js";
import type { RandomSource } from "../../crypto/random.js";
import type { GroupKeys } from "../io.js";

/** Former keys that are still understood. */
const MAX_RETIRED_KEYS = 8;
/** Devices whose removal is remembered. */
const MAX_REMOVED = 64;
/** Devices that are known to have been in the group. */
const MAX_MEMBERS = 256;

/** Who changed the key last, signed by that device. */
export type KeyChange = NonNullable<GroupKeys["change"]>;

/**
 * The keys of one secret group. With the present one everything is sealed; retired ones open what
 * is late, or comes from a member that missed a change.
 */
export class Keyring {
  readonly #random: RandomSource;
  #epoch: number;
  #present: GroupKey;
  /** The latest last; at most `MAX_RETIRED_KEYS`. */
  #retired: GroupKey[];
  /** The latest last; at most `MAX_REMOVED`. */
  readonly #removed: Set<string>;
  /** Met in the group, in this run or an earlier one: the latest last; at most `MAX_MEMBERS`. */
  readonly #members: Set<string>;
  /** Those of `#removed` that the present change keeps out: a change that wins over it frees them. */
  #newlyRemoved = new Set<string>();
  #change: KeyChange | undefined;

  constructor(random: RandomSource, keys: GroupKeys) {
    this.#random = random;
    this.#epoch = keys.epoch;
    this.#present = groupKeyOf(keys.key, random);
    this.#retired = keys.retired
      .slice(-MAX_RETIRED_KEYS)
      .map((secret) => groupKeyOf(secret, random));
    this.#removed = new Set(keys.removed.slice(-MAX_REMOVED));
    this.#members = new Set(keys.members?.slice(-MAX_MEMBERS));
    this.#change = keys.change;
  }

  /** How often the key was changed. */
  get epoch(): number {
    return this.#epoch;
  }

  get present(): GroupKey {
    return this.#present;
  }

  /** The key before the present one, if we ever had it. */
  get former(): GroupKey | undefined {
    return this.#retired.at(-1);
  }

  get change(): KeyChange | undefined {
    return this.#change;
  }

  /** The latest last. */
  get removed(): readonly string[] {
    return [...this.#removed];
  }

  /** For the application to keep. */
  snapshot(): GroupKeys {
    return {
      epoch: this.#epoch,
      key: this.#present.secret,
      retired: this.#retired.map(({ secret }) => secret),
      removed: this.removed,
      members: [...this.#members],
      change: this.#change,
    };
  }

  /** The present key, or a retired one. */
  find(keyId: string): GroupKey | undefined {
    if (keyId === this.#present.id) return this.#present;
    return this.#retired.find(({ id }) => id === keyId);
  }

  /** Of all that `find` finds, the present key first, then the latest retired. */
  get ids(): readonly string[] {
    return [this.#present.id, ...this.#retired.map(({ id }) => id).toReversed()];
  }

  isRemoved(device: string): boolean {
    return this.#removed.has(device);
  }

  /** `device` is here. False if that was known. */
  meet(device: string): boolean {
    const isKnown = this.#members.delete(device);
    this.#members.add(device);
    for (const oldest of this.#members) {
      if (this.#members.size <= MAX_MEMBERS) break;
      this.#members.delete(oldest);
    }
    return !isKnown;
  }

  /** It was met, also before the last restart. */
  hasMet(device: string): boolean {
    return this.#members.has(device);
  }

  /** Kept out by the present change, and not before it. */
  isNewlyRemoved(device: string): boolean {
    return this.#newlyRemoved.has(device);
  }

  /** Somebody gave it the present key. False if it was not removed. */
  readmit(device: string): boolean {
    this.#newlyRemoved.delete(device);
    return this.#removed.delete(device);
  }

  /** Understands `secret` from now on, without using it. */
  retire(secret: string): void {
    this.#retired = [...this.#retired, groupKeyOf(secret, this.#random)].slice(-MAX_RETIRED_KEYS);
  }

  /**
   * `secret` is the key from now on. In the same epoch it takes the place of the present change,
   * whose victims are free again. Returns the devices that were not kept out before.
   */
  replace(secret: string, epoch: number, change: KeyChange): string[] {
    const before = new Set(this.#removed);
    if (epoch === this.#epoch) {
      for (const device of this.#newlyRemoved) {
        this.#removed.delete(device);
        this.meet(device);
      }
    }
    this.#newlyRemoved = new Set(change.removed.filter((device) => !this.#removed.has(device)));
    for (const device of change.removed) {
      this.#removed.delete(device);
      this.#removed.add(device);
      this.#members.delete(device);
    }
    for (const oldest of this.#removed) {
      if (this.#removed.size <= MAX_REMOVED) break;
      this.#removed.delete(oldest);
    }
    this.retire(this.#present.secret);
    this.#present = groupKeyOf(secret, this.#random);
    this.#epoch = epoch;
    this.#change = change;
    return change.removed.filter((device) => !before.has(device));
  }
}
