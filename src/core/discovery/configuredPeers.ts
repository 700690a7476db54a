import { type Address, isSameAddress, type Timed } from "../io.js";
import type { Querying } from "./querying.js";
import type { Roster } from "./roster.js";

const ASK_EVERY_MS = 30_000;

/** Addresses that no broadcast reaches: asked one by one until somebody there is online. */
export class ConfiguredPeers implements Timed {
  readonly #addresses: () => readonly Address[];
  readonly #roster: Roster;
  readonly #querying: Querying;
  #nextAtMs: number;

  constructor(
    nowMs: number,
    addresses: () => readonly Address[],
    roster: Roster,
    querying: Querying,
  ) {
    this.#addresses = addresses;
    this.#roster = roster;
    this.#querying = querying;
    this.#nextAtMs = nowMs;
  }

  /** They are others now. */
  changed(nowMs: number): void {
    this.#nextAtMs = nowMs;
  }

  includes(at: Address): boolean {
    return this.#addresses().some((known) => isSameAddress(known, at));
  }

  nextWakeMs(): number {
    return this.#addresses().length === 0 ? Number.POSITIVE_INFINITY : this.#nextAtMs;
  }

  wake(nowMs: number): void {
    if (nowMs < this.nextWakeMs()) return;
    this.#nextAtMs = nowMs + ASK_EVERY_MS;
    for (const address of this.#addresses()) {
      if (!this.#roster.hasOnlineAt(address)) this.#querying.askHost(nowMs, address, [0]);
    }
  }
}
