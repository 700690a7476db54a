import process from "node:process";
import { UdpchatError } from "../errors.js";
import type { SqlDatabase } from "./sql.js";
import { BetterSqlite } from "./sqliteBetter.js";
import { NodeSqlite } from "./sqliteNode.js";

/** Who can bring SQLite. */
export type EngineName = "node:sqlite" | "better-sqlite3";

/** Opens a database file. Throws what the engine throws. */
export type OpenEngine = (path: string) => SqlDatabase;

/**
 * Node's own SQLite where there is one (22.13 and later), else better-sqlite3. Loaded here: who
 * needs no database does not wait for it.
 * @throws UdpchatError NO_SQLITE
 */
export async function loadEngine(): Promise<OpenEngine> {
  return loadNodeSqlite() ?? loadBetterSqlite();
}

/** One of them by name. Undefined, or NO_SQLITE, where it is missing. */
export async function loadEngineNamed(name: EngineName): Promise<OpenEngine | undefined> {
  return name === "node:sqlite" ? loadNodeSqlite() : loadBetterSqlite();
}

function loadNodeSqlite(): OpenEngine | undefined {
  const sqlite = withoutSqliteWarning(() => process.getBuiltinModule("node:sqlite"));
  if (sqlite === undefined) return undefined;
  return (path) => new NodeSqlite(new sqlite.DatabaseSync(path));
}

async function loadBetterSqlite(): Promise<OpenEngine> {
  try {
    const { default: Database } = await import("better-sqlite3");
    // The binary is looked for only when a database is opened.
    new Database(":memory:").close();
    return (path) => new BetterSqlite(new Database(path));
  } catch (cause) {
    throw new UdpchatError("NO_SQLITE", "this Node has no SQLite to keep messages in", {
      cause,
      remedy:
        "use Node 22.13 or later, or run `npm install better-sqlite3@12.11.1`, " +
        "or keep messages in memory only with --store memory",
    });
  }
}

/**
 * Where node:sqlite is experimental, the first one to load it is told so, and a user can do nothing
 * about it. That one sentence goes nowhere, any other warning where it always goes.
 */
function withoutSqliteWarning<T>(load: () => T): T {
  const emitWarning: typeof process.emitWarning = Reflect.get(process, "emitWarning");
  process.emitWarning = (warning: string | Error, ...rest: readonly unknown[]): void => {
    const text = typeof warning === "string" ? warning : warning.message;
    if (rest[0] === "ExperimentalWarning" && text.startsWith("SQLite is an experimental")) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
