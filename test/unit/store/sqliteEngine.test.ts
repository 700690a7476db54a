import process from "node:process";
import { afterEach, expect, it, vi } from "vitest";
import { loadEngine, loadEngineNamed } from "../../../src/store/sqliteEngine.js";

vi.mock("better-sqlite3", () => {
  throw new Error("not installed");
});

const EXPERIMENTAL = "SQLite is an experimental feature and might change at any time";

afterEach(() => {
  vi.restoreAllMocks();
});

/** A Node that says this while it looks for its SQLite, and has none. */
function nodeWithoutSqlite(warnings: readonly (readonly [string, string])[] = []): void {
  vi.spyOn(process, "getBuiltinModule").mockImplementation(() => {
    for (const [text, type] of warnings) process.emitWarning(text, type);
    return undefined;
  });
}

it("is asked for with all ways to get one where there is none", async () => {
  nodeWithoutSqlite();
  await expect(loadEngineNamed("node:sqlite")).resolves.toBeUndefined();
  await expect(loadEngine()).rejects.toMatchObject({
    code: "NO_SQLITE",
    remedy:
      "use Node 22.13 or later, or run `npm install better-sqlite3@12.11.1`, " +
      "or keep messages in memory only with --store memory",
    cause: expect.any(Error),
  });
});

it("is not called experimental, and no other warning is kept back", async () => {
  const emitted: unknown[] = [];
  vi.spyOn(process, "emitWarning").mockImplementation((...warning: readonly unknown[]) => {
    emitted.push(warning);
  });
  nodeWithoutSqlite([
    [EXPERIMENTAL, "ExperimentalWarning"],
    ["Something else is an experimental feature", "ExperimentalWarning"],
    [EXPERIMENTAL, "DeprecationWarning"],
  ]);
  await loadEngineNamed("node:sqlite");
  process.emitWarning(EXPERIMENTAL, "ExperimentalWarning");
  expect(emitted).toEqual([
    ["Something else is an experimental feature", "ExperimentalWarning"],
    [EXPERIMENTAL, "DeprecationWarning"],
    // Afterwards, whoever says it.
    [EXPERIMENTAL, "ExperimentalWarning"],
  ]);
});
