import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { SqlDatabase, SqlRow, SqlStatement, SqlValue } from "./sql.js";

/** SQLite by Node itself. */
export class NodeSqlite implements SqlDatabase {
  readonly engine = "node:sqlite";
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  prepare(sql: string): SqlStatement {
    return new NodeStatement(this.#database.prepare(sql));
  }

  close(): void {
    this.#database.close();
  }
}

class NodeStatement implements SqlStatement {
  readonly #statement: StatementSync;

  constructor(statement: StatementSync) {
    this.#statement = statement;
  }

  run(...values: readonly SqlValue[]): number {
    return this.#statement.run(...values).changes;
  }

  get(...values: readonly SqlValue[]): SqlRow | undefined {
    return this.#statement.get(...values);
  }

  all(...values: readonly SqlValue[]): SqlRow[] {
    return this.#statement.all(...values);
  }

  iterate(...values: readonly SqlValue[]): IterableIterator<SqlRow> {
    return this.#statement.iterate(...values);
  }
}
