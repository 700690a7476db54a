/**
 * The one way by which anything that another peer chose (names, texts, error messages) reaches a
 * terminal. What could move the cursor, change colours, reorder what is read or hide comes out as
 * something visible: control characters as their pictures (U+2400 and following), the others as
 * `<U+202E>`.
 */

/** Controls, lone surrogates, line and paragraph separators, bidi controls, tag characters. */
const HOSTILE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\u{E0000}-\u{E007F}]/gu;
const HOSTILE_IN_TEXT = /(?![\n\t])[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\u{E0000}-\u{E007F}]/gu;
/** Invisible as well; the joiners (U+200C, U+200D) stay, as scripts and emoji need them. */
const INVISIBLE = /(?![\u200C\u200D])\p{Cf}/gu;

const CONTROL_PICTURES = 0x2400;
const DELETE = 0x7f;
const PICTURE_OF_DELETE = "\u2421";

/** A message: newlines and tabs stay, CR LF becomes a newline. */
export function sanitiseText(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(HOSTILE_IN_TEXT, visible);
}

/** A name or anything else that must stay on one line. Empty if nothing visible is left. */
export function sanitiseName(name: string): string {
  return name.replace(HOSTILE, visible).replace(INVISIBLE, visible).trim();
}

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(CONTROL_PICTURES + code);
  if (code === DELETE) return PICTURE_OF_DELETE;
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}
