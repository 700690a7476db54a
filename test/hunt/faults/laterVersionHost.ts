import type { Transmit } from "../../../src/core/io.js";
import { laterIdentity, laterSuite, laterVersionOf } from "../../support/laterVersion.js";
import type { SeededRandom } from "../../support/seededRandom.js";
import type { SimCrypto } from "../simHome.js";

/** What a host speaks: version 1, or all that a later one may add to it (PROTOCOL 8). */
export class Dialect {
  /** What the host proves itself with, whatever it speaks. */
  readonly crypto: SimCrypto;
  readonly #plain: SimCrypto;
  #later: SeededRandom | undefined;

  constructor(plain: SimCrypto) {
    this.#plain = plain;
    const { identity, suite } = plain;
    const suiteNow = () => (this.#later === undefined ? suite : laterSuite(suite, this.#later));
    this.crypto = {
      ...plain,
      identity: {
        ...identity,
        sign: (unsigned) =>
          (this.#later === undefined ? identity : laterIdentity(identity, this.#later)).sign(
            unsigned,
          ),
      },
      suite: {
        id: suite.id,
        initiate: (claims, random) => suiteNow().initiate(claims, random),
        respond: (message1, claims, random) => suiteNow().respond(message1, claims, random),
      },
    };
  }

  get isLater(): boolean {
    return this.#later !== undefined;
  }

  /** From now on. `chance`: what of it. */
  speakLater(chance: SeededRandom): void {
    this.#later = chance;
  }

  /** As it leaves the host. */
  worded(transmit: Transmit): Transmit {
    if (this.#later === undefined) return transmit;
    const { identity } = this.#plain;
    const bytes = laterVersionOf(
      transmit.bytes,
      (unsigned) => identity.sign(unsigned),
      this.#later,
    );
    return { ...transmit, bytes };
  }
}
