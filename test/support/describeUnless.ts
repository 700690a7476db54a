import { spawnSync } from "node:child_process";
import { describe } from "vitest";

/** A suite that not every machine can run: where there is a `reason` it is skipped, and says so. */
export function describeUnless(reason: string | undefined, name: string, suite: () => void): void {
  const skipped = reason === undefined ? "" : ` (SKIPPED: ${reason})`;
  if (reason !== undefined) process.stderr.write(`${name}${skipped}\n`);
  describe.skipIf(reason !== undefined)(name + skipped, () => suite());
}

/** Which of these programs are not here; undefined if all are. */
export function missing(...programs: readonly string[]): string | undefined {
  const absent = programs.filter((program) => spawnSync(program, ["--version"]).error);
  return absent.length === 0 ? undefined : `no ${absent.join(", ")}`;
}
