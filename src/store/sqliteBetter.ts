import type BetterDatabase from "better-sqlite3";
import type { SqlDatabase, SqlRow, SqlStatement, SqlValue } from "./sql.js";

type Statement = ReturnType<BetterDatabase["prepare"]>;
type Row = NonNullable<ReturnType<Statement["get"]>>;

/** SQLite by better-sqlite3. */
export class BetterSqlite implements SqlDatabase {
  readonly engine = "better-sqlite3";
  readonly #database: BetterDatabase;

  constructor(database: BetterDatabase) {
    this.#database = database;
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  prepare(sql: string): SqlStatement {
    return new BetterStatement(this.#database.prepare(sql));
  }

  close(): void {
    this.#database.close();
  }
}

class BetterStatement implements SqlStatement {
  readonly #statement: Statement;

  constructor(statement: Statement) {
    this.#statement = statement;
  }

  run(...values: readonly SqlValue[]): number {
    return this.#statement.run(...values).changes;
  }

  get(...values: readonly SqlValue[]): SqlRow | undefined {
    const row = this.#statement.get(...values);
    return row && plainRow(row);
  }

  all(...values: readonly SqlValue[]): SqlRow[] {
    return this.#statement.all(...values).map(plainRow);
  }

  *iterate(...values: readonly SqlValue[]): Generator<SqlRow, void, undefined> {
    for (const row of this.#statement.iterate(...values)) yield plainRow(row);
  }
}

/** With bytes that are no Buffer; few rows have any, so a row is not copied for them. */
function plainRow(row: Row): SqlRow {
  for (const column in row) {
    const value = row[column];
    if (Buffer.isBuffer(value)) {
      row[column] = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    }
  }
  return row;
}
