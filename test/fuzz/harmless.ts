import { isHostile } from "../support/hostileText.js";

const NEWLINE = 0x0a;
const TAB = 0x09;

/** Throws if a terminal would obey it, or show something else than is there. */
export function assertHarmless(
  shown: string,
  what: string,
  allowed: readonly number[] = [NEWLINE, TAB],
): void {
  for (const character of shown) {
    const code = character.codePointAt(0) ?? 0;
    if (!isHostile(code) || allowed.includes(code)) continue;
    const start = JSON.stringify(shown.slice(0, 500));
    throw new Error(`U+${code.toString(16)} is left in ${what}: ${start}`);
  }
}
