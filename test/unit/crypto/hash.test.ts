import { describe, expect, it } from "vitest";
import { blake2b, isSameDigest, keyedBlake2b } from "../../../src/crypto/hash.js";
import { toHex } from "../../../src/wire/cursor.js";

describe("blake2b", () => {
  it("gives the check value of RFC 7693 appendix A", () => {
    expect(toHex(blake2b("abc", 64))).toBe(
      "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1" +
        "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
    );
  });

  it("hashes nothing at all", () => {
    expect(toHex(blake2b("", 32))).toBe(
      "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8",
    );
  });

  it("takes text as UTF-8 and depends on the length asked for", () => {
    expect(blake2b("é", 32)).toEqual(blake2b(Uint8Array.of(0xc3, 0xa9), 32));
    expect(toHex(blake2b("abc", 32))).not.toBe(toHex(blake2b("abc", 64).subarray(0, 32)));
  });
});

describe("keyed blake2b", () => {
  /** From the keyed test vectors of the BLAKE2 authors: key 00 01 … 3f, empty input. */
  it("gives the published value", () => {
    const key = Uint8Array.from({ length: 64 }, (_, index) => index);
    expect(toHex(keyedBlake2b(key, "", 64))).toBe(
      "10ebb67700b1868efb4417987acf4690ae9d972fb7a590c2f02871799aaa4786" +
        "b5e996e8f0f4eb981fc214b005f42d2ff4233499391653df7aefcbc13fc51568",
    );
  });

  it("is compared as a whole", () => {
    const digest = keyedBlake2b(new Uint8Array(32), "input", 16);
    expect(isSameDigest(digest, Uint8Array.from(digest))).toBe(true);
    expect(isSameDigest(digest, digest.subarray(0, 15))).toBe(false);
    for (let index = 0; index < 16; index += 1) {
      const other = Uint8Array.from(digest);
      other[index] = (other[index] ?? 0) ^ 1;
      expect(isSameDigest(digest, other)).toBe(false);
    }
  });
});
