/** Which nicknames look the same. */

/**
 * Nothing is seen of these: controls, format and variation selectors, joiners, fillers, surrogates,
 * and the empty Braille pattern.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/gu;
const SPACES = /\s+/gu;

/**
 * The same for names that people take for one another: after NFKC (UAX #15), without what is
 * invisible, and regardless of upper and lower case. Empty if there is nothing to see.
 */
export function foldedName(name: string): string {
  const visible = name.normalize("NFKC").replace(INVISIBLE, "");
  // Up and down again: a sharp s and its like have no single lower case.
  const folded = visible.toUpperCase().toLowerCase();
  return folded.replace(SPACES, " ").trim();
}
