/** The little of SQLite that we use, whoever brings it: `node:sqlite` or `better-sqlite3`. */

export type SqlValue = string | number | Uint8Array | null;
export type SqlRow = Readonly<Record<string, SqlValue>>;

export interface SqlStatement {
  /** Rows changed by it. */
  run(...values: readonly SqlValue[]): number;
  get(...values: readonly SqlValue[]): SqlRow | undefined;
  all(...values: readonly SqlValue[]): SqlRow[];
  /** One row at a time; nothing else may be written until it ends. */
  iterate(...values: readonly SqlValue[]): IterableIterator<SqlRow>;
}

export interface SqlDatabase {
  /** Who brings it, for `status` and messages. */
  readonly engine: string;
  /** One or more statements without parameters. */
  exec(sql: string): void;
  /** Prepared once and kept: whoever asks for the same text gets the same statement. */
  prepare(sql: string): SqlStatement;
  close(): void;
}
