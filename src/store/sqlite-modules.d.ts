/**
 * What we use of the two engines. The types of Node 20 do not know `node:sqlite`, and
 * better-sqlite3 brings none. https://nodejs.org/api/sqlite.html,
 * https://github.com/WiseLibs/better-sqlite3/blob/v12.11.1/docs/api.md
 */

declare module "node:sqlite" {
  type Value = string | number | Uint8Array | null;
  /** Without a prototype. */
  type Row = Record<string, Value>;

  export class DatabaseSync {
    constructor(path: string);
    exec(sql: string): void;
    prepare(sql: string): StatementSync;
    close(): void;
  }

  /** Integers beyond 2^53 make it throw, as long as `setReadBigInts` is not called. */
  export interface StatementSync {
    run(...values: readonly Value[]): { readonly changes: number };
    get(...values: readonly Value[]): Row | undefined;
    all(...values: readonly Value[]): Row[];
    iterate(...values: readonly Value[]): IterableIterator<Row>;
  }
}

declare module "process" {
  global {
    namespace NodeJS {
      interface Process {
        /** Node 22.13 and later have it. */
        getBuiltinModule(id: "node:sqlite"): typeof import("node:sqlite") | undefined;
      }
    }
  }
}

declare module "better-sqlite3" {
  type Value = string | number | Uint8Array | null;
  type Row = Record<string, string | number | Uint8Array | null>;

  /** `run` refuses what answers with rows, and the others all else. */
  interface Statement {
    run(...values: readonly Value[]): { readonly changes: number };
    get(...values: readonly Value[]): Row | undefined;
    all(...values: readonly Value[]): Row[];
    iterate(...values: readonly Value[]): IterableIterator<Row>;
  }

  export default class Database {
    constructor(path: string);
    exec(sql: string): this;
    prepare(sql: string): Statement;
    close(): void;
  }
}
