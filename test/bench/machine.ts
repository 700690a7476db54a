import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";

/** Where and of what the figures are. */
export interface Machine {
  readonly date: string;
  readonly node: string;
  readonly kernel: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  /** Runnable processes over the last minute, before the benchmark: others' work, mostly. */
  readonly loadBefore: number;
  /** Of the program; with "+ changes" if it is not what was committed. Null without git. */
  readonly commit: string | null;
}

/** What the program is made of: a change elsewhere does not change the figures. */
const PROGRAM = ["src", "bin", "rolldown.config.mjs", "package-lock.json"];

export function describeMachine(root: string): Machine {
  return {
    date: new Date().toISOString(),
    node: process.version,
    kernel: `${type()} ${release()}`,
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Number((totalmem() / 2 ** 30).toFixed(1)),
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
    commit: commitOf(root),
  };
}

function commitOf(root: string): string | null {
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", root, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  try {
    const changed = git("status", "--porcelain", "--", ...PROGRAM) !== "";
    return `${git("rev-parse", "HEAD")}${changed ? " + changes" : ""}`;
  } catch {
    return null;
  }
}
