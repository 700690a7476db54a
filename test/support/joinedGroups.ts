import { type Address, addressKey } from "../../src/core/io.js";

/** The multicast groups of a host, and how often each was joined: each join needs its own leave. */
export class JoinedGroups {
  /** By `address:port`; bounded by the groups of a test. */
  readonly #counts = new Map<string, number>();

  /** `address:port` of each. */
  get names(): string[] {
    return [...this.#counts.keys()];
  }

  has(group: Address): boolean {
    return this.#counts.has(addressKey(group));
  }

  join(group: Address): void {
    const key = addressKey(group);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  leave(group: Address): void {
    const key = addressKey(group);
    const count = this.#counts.get(key) ?? 0;
    if (count > 1) this.#counts.set(key, count - 1);
    else this.#counts.delete(key);
  }
}
