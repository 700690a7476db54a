import { describe, expect, it } from "vitest";
import { Cookies } from "../../../../src/core/session/cookies.js";
import { COOKIE_BYTES } from "../../../../src/wire/constants.js";
import { SeededRandom } from "../../../support/seededRandom.js";

const FROM = { address: "10.0.0.1", port: 22400 };

describe("a cookie", () => {
  it("is good for the address, port and index that it was made for, and for no other", () => {
    const cookies = new Cookies(new SeededRandom(1));
    const cookie = cookies.make(0, FROM, 7);
    expect(cookie).toHaveLength(COOKIE_BYTES);
    expect(cookies.isValid(0, cookie, FROM, 7)).toBe(true);
    expect(cookies.isValid(0, cookie, FROM, 8)).toBe(false);
    expect(cookies.isValid(0, cookie, { ...FROM, port: 22401 }, 7)).toBe(false);
    expect(cookies.isValid(0, cookie, { ...FROM, address: "10.0.0.2" }, 7)).toBe(false);
  });

  it("is void if a bit of it is another, or if it is cut", () => {
    const cookies = new Cookies(new SeededRandom(1));
    const cookie = cookies.make(0, FROM, 7);
    for (let bit = 0; bit < 8 * COOKIE_BYTES; bit += 1) {
      const other = Uint8Array.from(cookie);
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(cookies.isValid(0, other, FROM, 7)).toBe(false);
    }
    for (let length = 0; length < COOKIE_BYTES; length += 1) {
      expect(cookies.isValid(0, cookie.subarray(0, length), FROM, 7)).toBe(false);
    }
  });

  it("cannot be made by anybody else", () => {
    const cookie = new Cookies(new SeededRandom(2)).make(0, FROM, 7);
    expect(new Cookies(new SeededRandom(1)).isValid(0, cookie, FROM, 7)).toBe(false);
  });

  it("outlives one change of the secret, not two", () => {
    const cookies = new Cookies(new SeededRandom(1));
    cookies.make(0, FROM, 7);
    const cookie = cookies.make(119_000, FROM, 7);
    expect(cookies.isValid(239_000, cookie, FROM, 7)).toBe(true);
    expect(cookies.make(239_000, FROM, 7)).not.toEqual(cookie);
    expect(cookies.isValid(359_000, cookie, FROM, 7)).toBe(false);
  });

  it("is void after a long pause, in which no secret was changed", () => {
    const cookies = new Cookies(new SeededRandom(1));
    const cookie = cookies.make(0, FROM, 7);
    expect(cookies.isValid(240_000, cookie, FROM, 7)).toBe(false);
  });
});
