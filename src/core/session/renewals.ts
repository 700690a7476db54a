import { TokenBucket } from "../tokenBucket.js";
import type { Link } from "./link.js";

/** A living session is replaced at most this often per link, and for all links together. */
const EVERY_MS = 1_000;
const PER_SECOND = 200;

/** Rations handshakes for links that have a session: what asks for them may be forged. */
export class Renewals {
  readonly #lastAtMs = new WeakMap<Link, number>();
  readonly #inAll = new TokenBucket(PER_SECOND, PER_SECOND);

  /** True if one may begin now. */
  take(nowMs: number, link: Link): boolean {
    const lastMs = this.#lastAtMs.get(link) ?? Number.NEGATIVE_INFINITY;
    if (nowMs - lastMs < EVERY_MS || !this.#inAll.take(nowMs)) return false;
    this.#lastAtMs.set(link, nowMs);
    return true;
  }
}
