import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { Database } from "../../src/store/database.js";
import type { MessageDatabase } from "../../src/store/messageRows.js";
import { MIGRATIONS } from "../../src/store/schema.js";
import type { SqlStatement } from "../../src/store/sql.js";
import { loadEngineNamed, type OpenEngine } from "../../src/store/sqliteEngine.js";

/** An engine that this Node has. */
export interface DatabaseKind {
  readonly engine: string;
  /** A new and empty database; its file goes after the tests. */
  readonly open: () => RecordingDatabase;
}

/** For `describe.each`. */
export async function databaseKinds(): Promise<DatabaseKind[]> {
  const kinds: DatabaseKind[] = [];
  for (const engine of ["better-sqlite3", "node:sqlite"] as const) {
    const openEngine = await loadEngineNamed(engine).catch(() => undefined);
    if (openEngine !== undefined) kinds.push(kindOf(engine, openEngine));
  }
  return kinds;
}

function kindOf(engine: string, openEngine: OpenEngine): DatabaseKind {
  const folder = mkdtempSync(join(tmpdir(), "udpchat-store-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let opened = 0;
  return {
    engine,
    open() {
      opened += 1;
      const path = join(folder, `${opened}.db`);
      return new RecordingDatabase(Database.open(openEngine, path, MIGRATIONS));
    },
  };
}

/** A database that knows what was asked of it. */
export class RecordingDatabase implements MessageDatabase {
  readonly statements = new Set<string>();
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  prepare(sql: string): SqlStatement {
    this.statements.add(sql);
    return this.#database.prepare(sql);
  }

  batch<T>(durability: "promise" | "soon", work: () => T): T {
    return this.#database.batch(durability, work);
  }

  close(): void {
    this.#database.close();
  }
}
