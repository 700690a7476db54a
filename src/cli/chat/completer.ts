import { foldedName } from "../../messenger/trustNames.js";

/** What may be completed, as it is shown. */
export interface Completable {
  /** With their slash. */
  readonly commands: readonly string[];
  readonly names: readonly string[];
  /** `#ops`. */
  readonly groups: readonly string[];
}

/** What the word before the cursor becomes. */
export interface Completion {
  /** So many characters (UTF-16) before the cursor are replaced. */
  readonly replaced: number;
  readonly text: string;
  /** Several: what they have in common is put in, and they can be listed. */
  readonly candidates: readonly string[];
}

/** The command whose first word is a name. */
const MESSAGE_TO = /^\/msg\s+(?:"([^"]*)|(\S*))$/s;
const LAST_WORD = /(?:^|\s)(@?)(\S*)$/s;

/** Undefined if nothing fits. */
export function complete(before: string, completable: Completable): Completion | undefined {
  const { commands, groups, names } = completable;
  if (/^\/\w*$/.test(before)) return completion(before, before, commands, (found) => `${found} `);
  const [whole, quoted, word] = MESSAGE_TO.exec(before) ?? [];
  if (whole !== undefined) {
    const typed = quoted ?? word ?? "";
    const replaced = quoted === undefined ? typed : `"${typed}`;
    return completion(typed, replaced, names, (name) => `${argument(name)} `);
  }
  const [, at = "", typed = ""] = LAST_WORD.exec(before) ?? [];
  if (typed.startsWith("#")) return completion(typed, typed, groups, (group) => `${group} `);
  if (typed === "" && at === "") return undefined;
  // Whom the line is for stands in front of it.
  const end = before === at + typed && at === "" ? ": " : " ";
  return completion(typed, typed, names, (name) => `${name}${end}`);
}

/** A name as one word behind `/msg`. */
function argument(name: string): string {
  return /\s/.test(name) ? `"${name}"` : name;
}

function completion(
  typed: string,
  replacedText: string,
  possible: readonly string[],
  ended: (candidate: string) => string,
): Completion | undefined {
  const start = foldedName(typed);
  const candidates = possible.filter((candidate) => foldedName(candidate).startsWith(start));
  const [first, ...others] = candidates;
  if (first === undefined) return undefined;
  const replaced = replacedText.length;
  if (others.length === 0) return { replaced, text: ended(first), candidates };
  const common = others.reduce(commonStart, first);
  const text = common.length > typed.length ? common : typed;
  // A quote that was opened stays open.
  return {
    replaced: text.length === 0 ? 0 : replaced,
    text: (replacedText.startsWith('"') ? '"' : "") + text,
    candidates,
  };
}

/** In any case, as names are compared; never half a character. */
function commonStart(one: string, other: string): string {
  const others = Array.from(other);
  let common = "";
  for (const [index, character] of Array.from(one).entries()) {
    if (foldedName(character) !== foldedName(others[index] ?? "")) break;
    common += character;
  }
  return common;
}
