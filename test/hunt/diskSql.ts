import type { SqlDatabase, SqlRow, SqlStatement, SqlValue } from "../../src/store/sql.js";
import type { FaultyHead } from "./disk.js";

/** Who watches what SQLite makes safe. */
export interface SqlWatch {
  /** @param synced PRAGMA synchronous was FULL: the log was synced. */
  committed(sql: SqlDatabase, synced: boolean): void;
  /** The last connection is about to be closed. */
  closing(): void;
  closed(): void;
}

/** A connection that fails when its disk does, and tells what it committed. */
export class WatchedSql implements SqlDatabase {
  readonly engine: string;
  readonly #sql: SqlDatabase;
  readonly #head: FaultyHead;
  readonly #watch: SqlWatch;
  #synced = false;

  constructor(sql: SqlDatabase, head: FaultyHead, watch: SqlWatch) {
    this.engine = sql.engine;
    this.#sql = sql;
    this.#head = head;
    this.#watch = watch;
  }

  exec(sql: string): void {
    if (sql !== "ROLLBACK") this.#head.reads();
    const level = /PRAGMA synchronous = (\w+)/.exec(sql)?.[1];
    if (level !== undefined) this.#synced = level === "FULL";
    if (sql === "BEGIN IMMEDIATE" || sql === "COMMIT") this.#head.writes();
    // Whoever watches writes the log back, and much more often.
    this.#sql.exec(sql.replace(/(wal_autocheckpoint =) \d+/, "$1 0"));
    if (sql === "COMMIT") this.#watch.committed(this.#sql, this.#synced);
  }

  prepare(sql: string): SqlStatement {
    const isWriting = /^\s*(INSERT|UPDATE|DELETE)/i.test(sql);
    const head = this.#head;
    const before = (): void => (isWriting ? head.writes() : head.reads());
    return new WatchedStatement(this.#sql.prepare(sql), before);
  }

  close(): void {
    this.#watch.closing();
    this.#sql.close();
    this.#watch.closed();
  }
}

class WatchedStatement implements SqlStatement {
  readonly #statement: SqlStatement;
  readonly #before: () => void;

  constructor(statement: SqlStatement, before: () => void) {
    this.#statement = statement;
    this.#before = before;
  }

  run(...values: readonly SqlValue[]): number {
    this.#before();
    return this.#statement.run(...values);
  }

  get(...values: readonly SqlValue[]): SqlRow | undefined {
    this.#before();
    return this.#statement.get(...values);
  }

  all(...values: readonly SqlValue[]): SqlRow[] {
    this.#before();
    return this.#statement.all(...values);
  }

  iterate(...values: readonly SqlValue[]): IterableIterator<SqlRow> {
    this.#before();
    return this.#statement.iterate(...values);
  }
}
