import fc from "./fastCheck.js";

/**
 * Code points that must never reach a terminal from outside: they move the cursor, reorder, hide
 * or are no text. Written as numbers, apart from the expressions under test.
 */
export function isHostile(code: number): boolean {
  return (
    code < 0x20 ||
    (code >= 0x7f && code <= 0x9f) ||
    (code >= 0xd800 && code <= 0xdfff) ||
    code === 0x061c ||
    code === 0x200e ||
    code === 0x200f ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x206f) ||
    (code >= 0xfff9 && code <= 0xfffb) ||
    (code >= 0xe0000 && code <= 0xe0fff)
  );
}

export function codesOf(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0);
}

const sequences = [
  "\u001b[2J", // clear the screen
  "\u009b31m",
  "\u001b]0;title", // never ended
  "\u001b]8;;http://example.org\u0007",
  "\nalice: hi",
  "\r\n12:00 alice: hi",
  "\r> ",
  "\b\b\b",
  "\u202eevil\u2066",
  "\u2028* alice left",
  "\u{E0041}\u{E007F}\u{E0101}",
  "\ud83d",
];

/** Code points, lone surrogates included, the hostile ones often, and sequences that terminals obey. */
export const anyText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(...sequences),
      fc
        .oneof(
          fc.integer({ min: 0, max: 0x10ffff }),
          fc.integer({ min: 0, max: 0x9f }),
          fc.integer({ min: 0x2000, max: 0x2070 }),
          fc.integer({ min: 0xd800, max: 0xdfff }),
          fc.integer({ min: 0xe0000, max: 0xe0fff }),
        )
        .map((code) => String.fromCodePoint(code)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));
