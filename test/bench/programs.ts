import { join } from "node:path";
import process from "node:process";

/** Where `run.js` has put a program of the benchmark, bundled; by its path below this folder. */
export function programPath(name: string): string {
  const folder = process.env["BENCH_PROGRAMS"];
  if (folder === undefined) throw new Error("start the benchmark with npm run bench");
  return join(folder, `${name}.mjs`);
}
