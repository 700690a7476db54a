import { isSameDigest, keyedBlake2b } from "../../crypto/hash.js";
import type { RandomSource } from "../../crypto/random.js";
import { COOKIE_BYTES } from "../../wire/constants.js";
import { type Address, addressKey } from "../io.js";

const SECRET_BYTES = 32;
/** Cookies are made with a secret for this long, and taken for as long again. */
const SECRET_LIFETIME_MS = 120_000;

/**
 * Cookies show that an initiator receives what is sent to its address (after RFC 6347 section
 * 4.2.1): a keyed hash of that address and of the index it chose. Nothing is kept per initiator.
 */
export class Cookies {
  readonly #random: RandomSource;
  #secret: Uint8Array | undefined;
  #previous: Uint8Array | undefined;
  #drawnAtMs = Number.NEGATIVE_INFINITY;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  /** `COOKIE_BYTES` for whoever is at `from`. */
  make(nowMs: number, from: Address, senderIndex: number): Uint8Array {
    return cookieOf(this.#current(nowMs), from, senderIndex);
  }

  /** True for what `make` gave out for the same address and index, not long ago. */
  isValid(nowMs: number, cookie: Uint8Array, from: Address, senderIndex: number): boolean {
    if (cookie.length !== COOKIE_BYTES) return false;
    const secrets = [this.#current(nowMs), this.#previous];
    return secrets.some(
      (secret) => secret !== undefined && isSameDigest(cookie, cookieOf(secret, from, senderIndex)),
    );
  }

  #current(nowMs: number): Uint8Array {
    const ageMs = nowMs - this.#drawnAtMs;
    if (this.#secret !== undefined && ageMs < SECRET_LIFETIME_MS) return this.#secret;
    this.#previous = ageMs < 2 * SECRET_LIFETIME_MS ? this.#secret : undefined;
    this.#secret = this.#random.bytes(SECRET_BYTES);
    this.#drawnAtMs = nowMs;
    return this.#secret;
  }
}

function cookieOf(secret: Uint8Array, from: Address, senderIndex: number): Uint8Array {
  return keyedBlake2b(secret, `${addressKey(from)}/${senderIndex}`, COOKIE_BYTES);
}
