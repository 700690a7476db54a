import type { PeerView } from "../core/io.js";
import type { Driver } from "./driver.js";

/** Somebody who asked the network. */
export interface QueryListener {
  /** A peer answered: each at most once per query. */
  answered(peer: PeerView): void;
  /** What is known of a peer changed meanwhile, without an answer of his: his beacon came. */
  appeared?(peer: PeerView): void;
  /** The messenger closes: no more answers. */
  closed(): void;
}

/** Which answer belongs to which question. */
export class Queries {
  /** By nonce. Bounded by the calls of the application that wait. */
  readonly #listeners = new Map<string, QueryListener>();

  /** Asks the network who is there. The returned function stops listening. */
  start(driver: Driver, listener: QueryListener): () => void {
    const nonce = driver.command((core, nowMs) => core.query(nowMs));
    this.#listeners.set(nonce, listener);
    return () => this.#listeners.delete(nonce);
  }

  answered(nonce: string, peer: PeerView): void {
    this.#listeners.get(nonce)?.answered(peer);
  }

  appeared(peer: PeerView): void {
    for (const listener of this.#listeners.values()) listener.appeared?.(peer);
  }

  close(): void {
    for (const listener of this.#listeners.values()) listener.closed();
    this.#listeners.clear();
  }
}
