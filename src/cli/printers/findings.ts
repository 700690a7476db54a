/** What the doctor says, for people. */
import type { DiagnosisLine, FindingLine } from "../../api/lines.js";
import { sanitiseName } from "../../sanitise.js";
import type { Style } from "./style.js";

/** One line for what works; for all else what was seen, what it means, and what to do. */
export function findingText(line: FindingLine, style: Style): string {
  const seen = sanitiseName(line.seen);
  if (line.severity === "ok") return `${style.good("ok")}       ${seen}`;
  const isProblem = line.severity === "problem";
  const rows = [
    `${isProblem ? style.bad("problem") : style.strong("note   ")}  ${style.strong(seen)}`,
    `         ${sanitiseName(line.meaning)}`,
  ];
  if (line.remedy !== null) rows.push(`         -> ${sanitiseName(line.remedy)}`);
  if (line.command !== null) rows.push(`            ${style.strong(sanitiseName(line.command))}`);
  rows.push(`         ${style.faint(sanitiseName(line.code))}`);
  return rows.join("\n");
}

/** `no problem found, 1 note`. */
export function diagnosisText({ problems, notes }: DiagnosisLine, style: Style): string {
  const found =
    problems === 0 ? style.good("no problem found") : style.bad(counted(problems, "problem"));
  return notes === 0 ? found : `${found}, ${counted(notes, "note")}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
