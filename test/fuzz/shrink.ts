import type { FuzzInput } from "./target.js";

/** True if these inputs still fail in the same way. */
export type Fails = (inputs: readonly FuzzInput[]) => Promise<boolean>;

/**
 * Delta debugging (Zeller and Hildebrandt 2002, ddmin without its second half): leaves out parts
 * that are not needed, large ones first. First whole inputs, then texts, bytes and characters.
 * Gives up at `untilMs` (of `performance.now()`) with what it has.
 */
export async function shrink(
  inputs: readonly FuzzInput[],
  fails: Fails,
  untilMs: number,
): Promise<readonly FuzzInput[]> {
  let best = await withoutParts(inputs, fails, untilMs);
  for (let at = 0; at < best.length; at += 1) {
    const others = best;
    const failsWith = (input: FuzzInput): Promise<boolean> => fails(others.with(at, input));
    const shorter = await shrinkOne(best[at] ?? { kind: "" }, failsWith, untilMs);
    best = best.with(at, shorter);
  }
  return best;
}

async function shrinkOne(
  input: FuzzInput,
  fails: (input: FuzzInput) => Promise<boolean>,
  untilMs: number,
): Promise<FuzzInput> {
  let best = input;
  if (best.hex !== undefined) {
    const bytes = best.hex.match(/../g) ?? [];
    const asHex = (kept: readonly string[]): FuzzInput => ({ ...input, hex: kept.join("") });
    best = asHex(await withoutParts(bytes, (kept) => fails(asHex(kept)), untilMs));
  }
  if (best.texts !== undefined) {
    const asTexts = (texts: readonly string[]): FuzzInput => ({ ...input, texts });
    let texts = await withoutParts(best.texts, (kept) => fails(asTexts(kept)), untilMs);
    for (const [at, text] of texts.entries()) {
      const others = texts;
      const asText = (kept: readonly string[]): readonly string[] => others.with(at, kept.join(""));
      const kept = await withoutParts(Array.from(text), (k) => fails(asTexts(asText(k))), untilMs);
      texts = asText(kept);
    }
    best = asTexts(texts);
  }
  return best;
}

async function withoutParts<Part>(
  parts: readonly Part[],
  fails: (kept: readonly Part[]) => Promise<boolean>,
  untilMs: number,
): Promise<readonly Part[]> {
  let kept = parts;
  for (let size = kept.length; size >= 1; size = Math.floor(size / 2)) {
    // From the end: what comes after the failure goes first, and the beginning matters most.
    for (let end = kept.length; end > 0; end -= size) {
      if (performance.now() > untilMs) return kept;
      const start = Math.max(0, end - size);
      const fewer = [...kept.slice(0, start), ...kept.slice(end)];
      if (await fails(fewer)) kept = fewer;
    }
  }
  return kept;
}
