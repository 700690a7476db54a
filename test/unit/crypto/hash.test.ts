import { describe, expect, it } from "vitest";
import { blake2b } from "../../../src/crypto/hash.js";
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
