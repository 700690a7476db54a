import type { HistoryLine } from "../../src/api/lines.js";
import type { Api, Input } from "../../src/api/operations.js";

const BRIEF_CHARACTERS = 50;

/** Every stored message that fits, oldest first. */
export async function exportOf(api: Api, filter: Input<"export">): Promise<HistoryLine[]> {
  const lines: HistoryLine[] = [];
  for await (const line of api.stream("export", filter)) lines.push(line);
  return lines;
}

/** Where two histories of a group differ, in words; undefined if they are the same, in order. */
export function differenceOf(
  ours: readonly HistoryLine[],
  theirs: readonly HistoryLine[],
): string | undefined {
  const length = Math.max(ours.length, theirs.length);
  for (let place = 0; place < length; place += 1) {
    const [our, their] = [shownOf(ours[place]), shownOf(theirs[place])];
    if (our === their) continue;
    return `${ours.length} and ${theirs.length} lines, at ${place} ${our} and ${their}`;
  }
  return undefined;
}

/** What is the same wherever a line of a group is kept. */
function shownOf(line: HistoryLine | undefined): string {
  if (line === undefined) return "nothing";
  return JSON.stringify([brief(line.text), line.sentAt, line.id, line.from.id]);
}

/** Enough of a text to know it by. */
export function brief(text: string): string {
  return text.slice(0, BRIEF_CHARACTERS);
}
