/**
 * How texts are searched: every word is a part of the folded text, wherever it stands. So nothing
 * depends on how a language writes its words, and parts of words do as well.
 */

/** What shows nothing (soft hyphens, zero-width spaces, variation selectors), and NUL. */
const IGNORED = /[\p{Default_Ignorable_Code_Point}\0]/gu;
const HALF_CHARACTER = /\p{Cs}/u;
const HALF_CHARACTERS = /\p{Cs}/gu;

/**
 * Text and words alike, before they are compared: the compatibility form of every character (NFKC:
 * half-width and full-width, ligatures), without what is invisible, in one case. `ß` is `ss`, all
 * Greek sigmas are one, and so are all `i` of Turkish, with and without a dot: whoever types
 * `istanbul` or `ISTANBUL` finds `İstanbul`. Other marks count: `e` is not `é`. (Lower case comes
 * first as well, because a capital `ẞ` is its own upper case.)
 */
export function foldText(text: string): string {
  return text
    .normalize("NFKC")
    .replace(IGNORED, "")
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replaceAll("i\u0307", "i")
    .replaceAll("ς", "σ")
    .normalize("NFKC");
}

/** Halves of surrogate pairs do not survive UTF-8: they become U+FFFD here, as on the wire. */
export function wellFormed(text: string): string {
  // Hardly any text has one, and to look is quicker than to replace nothing.
  return HALF_CHARACTER.test(text) ? text.replace(HALF_CHARACTERS, "\ufffd") : text;
}

/** Enough to leave few candidates. */
const MAX_TRIGRAMS = 16;

/**
 * An FTS5 expression (SQLite, "FTS5" 3) that all texts with these folded words fit, and some
 * others; undefined if every word is shorter than three characters. Each trigram is a string of its
 * own in quotes, so that nothing in it is syntax.
 */
export function trigramQuery(words: readonly string[]): string | undefined {
  const trigrams = new Set<string>();
  for (const word of words) {
    const characters = Array.from(word.slice(0, 4 * MAX_TRIGRAMS));
    for (let at = 0; at + 3 <= characters.length && trigrams.size < MAX_TRIGRAMS; at += 1) {
      trigrams.add(characters.slice(at, at + 3).join(""));
    }
  }
  if (trigrams.size === 0) return undefined;
  return Array.from(trigrams, (trigram) => `"${trigram.replaceAll('"', '""')}"`).join(" AND ");
}
