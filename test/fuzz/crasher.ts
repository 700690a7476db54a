import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FuzzInput } from "./target.js";

/** Inputs that failed once. They are replayed by `crashers.test.ts` for ever. */
const CRASHERS_FOLDER = fileURLToPath(new URL("crashers", import.meta.url));

export interface Crasher {
  readonly target: string;
  /** Of the life: what the subject draws follows from it. */
  readonly seed: number;
  readonly inputs: readonly FuzzInput[];
  /** As it was when it was found. */
  readonly error: string;
}

/** Stores it as `<target>-<hash>.json` and returns the path. */
export function keepCrasher(crasher: Crasher, folder = CRASHERS_FOLDER): string {
  mkdirSync(folder, { recursive: true });
  const text = JSON.stringify({ ...crasher, error: firstLines(crasher.error) }, undefined, 2);
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 12);
  const path = join(folder, `${crasher.target}-${hash}.json`);
  writeFileSync(path, `${text}\n`);
  return path;
}

/** All that are kept, by file name. */
export function keptCrashers(folder = CRASHERS_FOLDER): { file: string; crasher: Crasher }[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  return files.toSorted().map((file) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by keepCrasher
    const crasher = JSON.parse(readFileSync(join(folder, file), "utf8")) as Crasher;
    return { file, crasher };
  });
}

/** The message, without the stack: line numbers mean nothing later. */
function firstLines(error: string): string {
  return error.split("\n    at ", 1).join("");
}
