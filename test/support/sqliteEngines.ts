import { describe } from "vitest";
import { type EngineName, loadEngineNamed, type OpenEngine } from "../../src/store/sqliteEngine.js";

const ENGINES: readonly EngineName[] = ["node:sqlite", "better-sqlite3"];

/**
 * A suite for each engine of SQLite; where this Node lacks one its suite is skipped and says so.
 * `engine` opens files; it must not be called outside of tests.
 */
export async function describeOnEngines(
  name: string,
  suite: (engine: OpenEngine, engineName: EngineName) => void,
): Promise<void> {
  for (const engineName of ENGINES) {
    const engine = await loadEngineNamed(engineName).catch(() => undefined);
    const skipped = engine === undefined ? ` (SKIPPED: not in Node ${process.version})` : "";
    const title = `${name} (${engineName})${skipped}`;
    if (engine === undefined) process.stderr.write(`${title}\n`);
    describe.skipIf(engine === undefined)(title, () => suite(engine ?? missing, engineName));
  }
}

function missing(): never {
  throw new Error("a suite that is skipped ran");
}
