/** Every format: what was written comes back; what was damaged is refused in one way only. */

import { describe, expect, it } from "vitest";
import { UdpchatError } from "../../../src/errors.js";
import fc from "../../support/fastCheck.js";
import { formats } from "./datagrams.js";
import { plain } from "./plain.js";

/** The decoded value, or undefined if it was refused as malformed. Anything else fails the test. */
function decodeOrRefuse(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): unknown {
  try {
    const value = decode(bytes);
    expect(value).toBeDefined();
    return value;
  } catch (error) {
    if (error instanceof UdpchatError && error.code === "MALFORMED_DATAGRAM") return undefined;
    throw error;
  }
}

describe.each(formats)("$title", ({ example, decode, selfDelimiting }) => {
  it("decodes what was encoded", () => {
    fc.assert(
      fc.property(example, ({ bytes, value }) => {
        expect(plain(decode(bytes))).toEqual(plain(value));
      }),
    );
  });

  it("decodes the same from the middle of a larger buffer", () => {
    fc.assert(
      fc.property(example, fc.nat(20), ({ bytes, value }, before) => {
        const larger = new Uint8Array(before + bytes.length + 7).fill(0xff);
        larger.set(bytes, before);
        const view = larger.subarray(before, before + bytes.length);
        expect(plain(decode(view))).toEqual(plain(value));
      }),
      { numRuns: 30 },
    );
  });

  it("refuses every truncation, and nothing but MALFORMED_DATAGRAM is thrown", () => {
    fc.assert(
      fc.property(example, ({ bytes }) => {
        for (let length = 0; length < bytes.length; length += 1) {
          const outcome = decodeOrRefuse(decode, bytes.subarray(0, length));
          if (selfDelimiting) expect(outcome, `length ${length}`).toBeUndefined();
        }
      }),
      { numRuns: 10 },
    );
  });

  it("survives every single bit flip", () => {
    fc.assert(
      fc.property(example, ({ bytes }) => {
        const damaged = Uint8Array.from(bytes);
        for (let bit = 0; bit < 8 * bytes.length; bit += 1) {
          const mask = 1 << (bit & 7);
          damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ mask;
          decodeOrRefuse(decode, damaged);
          damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ mask;
        }
      }),
      { numRuns: 3 },
    );
  });

  it("survives bytes of chance, behind a valid beginning or not", () => {
    fc.assert(
      fc.property(
        example,
        fc.uint8Array({ maxLength: 1200 }),
        fc.nat(40),
        ({ bytes }, noise, keep) => {
          decodeOrRefuse(decode, noise);
          decodeOrRefuse(decode, Uint8Array.of(...bytes.subarray(0, keep), ...noise));
        },
      ),
      { numRuns: 200 },
    );
  });
});
