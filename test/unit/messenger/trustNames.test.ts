import { expect, it } from "vitest";
import { foldedName } from "../../../src/messenger/trustNames.js";

it.each([
  ["Alice", "upper case"],
  ["ALICE", "all upper case"],
  ["ａｌｉｃｅ", "full-width letters"],
  ["al\u200bice", "a zero-width space"],
  ["al\u200dice", "a joiner"],
  ["\u202ealice", "a bidi override"],
  ["alice\ufe0f", "a variation selector"],
  ["alice\u3164", "a Hangul filler"],
  ["alice\u2800", "an empty Braille pattern"],
  ["alice\u{e0041}", "a tag character"],
  ["alice\ud800", "half a surrogate pair"],
  [" alice\u00a0", "spaces around it"],
  ["al\u00adice", "a soft hyphen"],
])("%j looks like alice: %s", (name) => {
  expect(foldedName(name)).toBe("alice");
});

it.each([
  ["STRASSE", "straße"],
  ["ſam", "sam"],
  ["Bob\u2122", "bobtm"],
  ["J.  Doe", "J. Doe"],
  ["cafe\u0301", "caf\u00e9"],
  ["ΣΑΣ", "σας"],
])("%j and %j look the same", (one, other) => {
  expect(foldedName(one)).toBe(foldedName(other));
});

it.each([
  ["alice", "alicf"],
  ["al ice", "alice"],
  ["a-b", "a_b"],
])("%j and %j do not", (one, other) => {
  expect(foldedName(one)).not.toBe(foldedName(other));
});

it("is empty where there is nothing to see", () => {
  expect(foldedName("\u200b\u2060 \u3164")).toBe("");
});
