import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sanitiseName, sanitiseText } from "../../../src/cli/sanitise.js";

/** Written as numbers, apart from the expression under test. */
function isHostile(code: number): boolean {
  return (
    code < 0x20 ||
    (code >= 0x7f && code <= 0x9f) ||
    (code >= 0xd800 && code <= 0xdfff) ||
    code === 0x061c ||
    code === 0x200e ||
    code === 0x200f ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069) ||
    (code >= 0xe0000 && code <= 0xe007f)
  );
}

/** Code points, lone surrogates included, the hostile ones often. */
const anyText = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0x10ffff }),
      fc.integer({ min: 0, max: 0x9f }),
      fc.integer({ min: 0x2000, max: 0x2070 }),
      fc.integer({ min: 0xd800, max: 0xdfff }),
      fc.integer({ min: 0xe0000, max: 0xe0080 }),
    ),
  )
  .map((codes) => codes.map((code) => String.fromCodePoint(code)).join(""));

const codesOf = (text: string): number[] => Array.from(text, (c) => c.codePointAt(0) ?? 0);

describe("the sanitiser", () => {
  it("never lets a hostile code point through in a name", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(codesOf(sanitiseName(text)).filter(isHostile)).toEqual([]);
      }),
    );
  });

  it("lets only newline and tab through in a text", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const left = codesOf(sanitiseText(text)).filter(isHostile);
        expect(left.filter((code) => code !== 0x0a && code !== 0x09)).toEqual([]);
      }),
    );
  });

  it("knows every hostile code point", () => {
    const missed: string[] = [];
    for (let code = 0; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code);
      if (isHostile(code) && sanitiseName(`a${character}b`).includes(character)) {
        missed.push(code.toString(16));
      }
    }
    expect(missed).toEqual([]);
  });

  it("is idempotent", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(sanitiseText(sanitiseText(text))).toBe(sanitiseText(text));
        expect(sanitiseName(sanitiseName(text))).toBe(sanitiseName(text));
      }),
    );
  });

  it("shows what it replaces", () => {
    expect(sanitiseText("\u001b[31mred\u007f\u009b\u202e")).toBe("␛[31mred␡<U+009B><U+202E>");
    expect(sanitiseName("a\nb\tc")).toBe("a␊b␉c");
    expect(sanitiseName("al\u200bice\u00ad")).toBe("al<U+200B>ice<U+00AD>");
    expect(sanitiseText("\ud800")).toBe("<U+D800>");
  });

  it("keeps what people write", () => {
    const text = "Grüße, 你好 👩‍👩‍👧 नमस्ते\n\tindented";
    expect(sanitiseText(text)).toBe(text);
    expect(sanitiseText("dos\r\nline")).toBe("dos\nline");
    expect(sanitiseText("over\rwrite")).toBe("over␍write");
    expect(sanitiseName(" alice ")).toBe("alice");
  });
});
