/**
 * The one way by which anything that somebody else chose (names, texts, error messages) reaches a
 * terminal, a log or a page. What could move the cursor, change colours, reorder what is read or
 * hide comes out as something visible: control characters as their pictures (U+2400 and
 * following), the others as `<U+202E>`.
 *
 * For scripts nothing may be lost: {@link toJson} escapes the same characters instead.
 */

/**
 * Controls (C0, DEL and C1, so every ESC, CSI and OSC), lone surrogates, line and paragraph
 * separators, bidi overrides, embeddings, isolates and marks; annotation characters; plane 14,
 * where tag characters and variation selectors can carry a whole hidden text.
 */
const HOSTILE =
  "\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}\\p{Bidi_Control}\\u{206A}-\\u{206F}\\u{FFF9}-\\u{FFFB}\\u{E0000}-\\u{E0FFF}";
const HOSTILE_IN_LINE = new RegExp(`[${HOSTILE}]`, "gu");
const HOSTILE_IN_TEXT = new RegExp(`(?![\\n\\t])[${HOSTILE}]`, "gu");

/** Scripts that are not written without the joiners U+200C and U+200D. */
const JOINING_SCRIPTS =
  "\\p{sc=Arab}\\p{sc=Beng}\\p{sc=Deva}\\p{sc=Gujr}\\p{sc=Guru}\\p{sc=Khmr}\\p{sc=Knda}\\p{sc=Mlym}" +
  "\\p{sc=Mong}\\p{sc=Mymr}\\p{sc=Orya}\\p{sc=Sinh}\\p{sc=Syrc}\\p{sc=Taml}\\p{sc=Telu}\\p{sc=Tibt}";
/**
 * What shows nothing by itself, so that two names which differ look the same: allowed are joiners
 * within those scripts, and with the emoji selector U+FE0F within emoji. U+2800 is a blank.
 */
const INVISIBLE_IN_NAME = new RegExp(
  `(?<=[${JOINING_SCRIPTS}])[\\u200C\\u200D](?=\\p{L})|` +
    "(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}])\\uFE0F|" +
    "(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\uFE0F])\\u200D(?=\\p{Extended_Pictographic})|" +
    "([\\p{Cf}\\p{Default_Ignorable_Code_Point}\\u2800])",
  "gu",
);

/** Where JSON is shown on a terminal; the joiners and the emoji selector stay readable. */
const HOSTILE_IN_JSON = new RegExp(
  `(?![\\u200C\\u200D\\uFE0F])[${HOSTILE}\\p{Cf}\\p{Default_Ignorable_Code_Point}]`,
  "gu",
);

/** Nothing to do: most are like that, and the patterns above take milliseconds to be compiled. */
const PLAIN_IN_LINE = /^[\x20-\x7e]*$/;

const CONTROL_PICTURES = 0x2400;
const DELETE = 0x7f;
const PICTURE_OF_DELETE = "\u2421";

/** A message: newlines and tabs stay, CR LF becomes a newline. */
export function sanitiseText(text: string): string {
  if (PLAIN_IN_LINE.test(text)) return text;
  return text.replaceAll("\r\n", "\n").replace(HOSTILE_IN_TEXT, visible);
}

/** A name or anything else that must stay on one line. Empty if nothing visible is left. */
export function sanitiseName(name: string): string {
  if (PLAIN_IN_LINE.test(name)) return name.trim();
  return name
    .replace(HOSTILE_IN_LINE, visible)
    .replace(INVISIBLE_IN_NAME, (found, hidden?: string) =>
      hidden === undefined ? found : visible(hidden),
    )
    .trim();
}

/**
 * A name in a command that people are told to type: they copy it into a shell, which must take it
 * for one word whatever it says (POSIX.1-2024, Shell Command Language 2.2.2).
 */
export function shellWord(name: string): string {
  const shown = sanitiseName(name);
  return /^[\w./~+-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}

/**
 * JSON on one line, in which everything that could deceive who looks at it is escaped: `JSON.parse`
 * gives the very value back. `JSON.stringify` alone leaves DEL, C1 and bidi controls as they are.
 */
export function toJson(value: object): string {
  const json = JSON.stringify(value);
  return PLAIN_IN_LINE.test(json) ? json : json.replace(HOSTILE_IN_JSON, escaped);
}

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(CONTROL_PICTURES + code);
  if (code === DELETE) return PICTURE_OF_DELETE;
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

/** One `\uXXXX` for each UTF-16 code unit (RFC 8259 section 7). */
function escaped(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
