import { UdpchatError } from "../errors.js";
import { type FileIdentity, fileIdentity, isSameFile, makePrivateFile } from "./databaseFile.js";
import type { SqlDatabase, SqlRow, SqlStatement, SqlValue } from "./sql.js";
import type { OpenEngine } from "./sqliteEngine.js";
import { asStoreFailure, mapFailure, StoreFailure } from "./storeFailure.js";

/**
 * `promise`: it survives a power cut when the batch returns; `soon`: it survives the end of the
 * process, and a power cut a moment later.
 */
export type Durability = "promise" | "soon";

/**
 * How long a statement waits for another process of this home. The whole process stands still
 * meanwhile, so it is no longer than a burst of losses is to a peer (the first retransmissions
 * come after 50, 150, 350 and 750 ms). A batch of another process takes milliseconds.
 */
const BUSY_TIMEOUT_MS = 750;
/** A log that grew beyond this under a long reader is cut when it begins anew. */
const MAX_IDLE_WAL_BYTES = 8 * 1024 * 1024;
/** Pages of 4 KiB in the log after which it is written back to the file. */
const CHECKPOINT_PAGES = 1000;
/** Of pages in memory; better-sqlite3 would take 16 MB. The system holds the file as well. */
const PAGE_CACHE_KIB = 2000;

/**
 * Statements and batches on one database file, in WAL mode, which other processes may use at the
 * same time. Whatever the engine says of the disk or the file leaves as a `StoreFailure`.
 */
export class Database {
  readonly engine: string;
  readonly #sql: SqlDatabase;
  /** By text, as many as the program has. */
  readonly #statements = new Map<string, SqlStatement>();
  /** Which file it was: another may lie at the path by now. */
  readonly file: FileIdentity | undefined;
  readonly #path: string;
  #inBatch = false;
  /** A batch of this kind joined one that promises less. */
  #owesPromise = false;
  #synchronous: Durability | undefined;

  private constructor(sql: SqlDatabase, path: string) {
    this.engine = sql.engine;
    this.#sql = sql;
    this.#path = path;
    this.file = fileIdentity(path);
  }

  /**
   * Opens the file (0600) with this engine, and brings it to the latest of `migrations`; it is made
   * if it is missing. Nobody may set the file aside meanwhile.
   *
   * Nothing but the schema and the size of the file is checked: a full check reads all of it
   * (seconds for 1 GB, in which nothing else happens), a killed process leaves no damage behind that
   * the log does not mend, and pages that are damaged say so when they are read.
   * @throws StoreFailure; UdpchatError STORE_UNUSABLE if a later version wrote it: it is untouched
   */
  static open(openEngine: OpenEngine, path: string, migrations: readonly string[]): Database {
    return mapFailure(path, () => {
      makePrivateFile(path);
      const database = new Database(openEngine(path), path);
      try {
        database.#prepareConnection(migrations);
      } catch (error) {
        database.#sql.close();
        throw error;
      }
      return database;
    });
  }

  /** Prepared once and kept: for texts of the program, not of users. */
  prepare(sql: string): SqlStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#prepared(sql);
    const mapped = new MappedStatement(this.#path, statement);
    this.#statements.set(sql, mapped);
    return mapped;
  }

  /** The texts are right: what cannot be prepared does not fit the schema, which is damaged then. */
  #prepared(sql: string): SqlStatement {
    try {
      return this.#sql.prepare(sql);
    } catch (error) {
      throw asStoreFailure(this.#path, error) ?? new StoreFailure("damaged", this.#path, error);
    }
  }

  /** As `MessageStore.batch`: all of it or nothing; one within another is part of it. */
  batch<T>(durability: Durability, work: () => T): T {
    if (this.#inBatch) {
      this.#owesPromise ||= durability === "promise" && this.#synchronous === "soon";
      return work();
    }
    this.#owesPromise = false;
    const result = this.#transaction(durability, work);
    // What is committed with a sync takes all of the log before it along.
    if (this.#owesPromise) this.probe();
    return result;
  }

  /** Writes something that changes nothing. Throws if the disk does not take it. */
  probe(): void {
    this.#transaction("promise", () => this.#exec(`PRAGMA user_version = ${this.#version()}`));
  }

  /** False if it was moved or removed since: what is written goes nowhere. */
  isInPlace(): boolean {
    return isSameFile(this.file, fileIdentity(this.#path));
  }

  close(): void {
    mapFailure(this.#path, () => this.#sql.close());
  }

  #prepareConnection(migrations: readonly string[]): void {
    const sql = this.#sql;
    this.#exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    // Reads the schema as well, which a damaged or strange file does not have.
    sql.prepare("SELECT count(*) FROM sqlite_schema").get();
    if (this.#version() > migrations.length) throw laterVersion(this.#path);
    const mode = sql.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
    if (mode !== "wal") {
      throw new StoreFailure(
        "broken",
        this.#path,
        new Error("no write-ahead log is possible there"),
      );
    }
    this.#exec(`
      PRAGMA foreign_keys = ON;
      PRAGMA fullfsync = ON;
      PRAGMA cache_size = -${PAGE_CACHE_KIB};
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = ${MAX_IDLE_WAL_BYTES};
    `);
    this.#migrate(migrations);
  }

  /** One step in one transaction: whoever comes second finds it done. */
  #migrate(migrations: readonly string[]): void {
    for (const [index, text] of migrations.entries()) {
      if (this.#version() > index) continue;
      this.#transaction("promise", () => {
        // Somebody else may have been quicker, or even have a later program.
        if (this.#version() > index) return;
        this.#exec(text);
        this.#exec(`PRAGMA user_version = ${index + 1}`);
      });
    }
    if (this.#version() > migrations.length) throw laterVersion(this.#path);
  }

  #version(): number {
    const version = this.#sql.prepare("PRAGMA user_version").get()?.["user_version"];
    return typeof version === "number" ? version : 0;
  }

  #exec(sql: string): void {
    mapFailure(this.#path, () => this.#sql.exec(sql));
  }

  #transaction<T>(durability: Durability, work: () => T): T {
    // Within a transaction it could not be changed.
    if (this.#synchronous !== durability) {
      this.#exec(`PRAGMA synchronous = ${durability === "promise" ? "FULL" : "NORMAL"}`);
      this.#synchronous = durability;
    }
    // At once for writing: to become a writer later fails where another one was quicker.
    this.#exec("BEGIN IMMEDIATE");
    this.#inBatch = true;
    try {
      const result = work();
      this.#exec("COMMIT");
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    } finally {
      this.#inBatch = false;
    }
  }

  /** SQLite has done so itself after some failures, and says that there is nothing to undo. */
  #rollBack(): void {
    try {
      this.#sql.exec("ROLLBACK");
    } catch {}
  }
}

/** Its failures are those of the file. */
class MappedStatement implements SqlStatement {
  readonly #path: string;
  readonly #statement: SqlStatement;

  constructor(path: string, statement: SqlStatement) {
    this.#path = path;
    this.#statement = statement;
  }

  run(...values: readonly SqlValue[]): number {
    return mapFailure(this.#path, () => this.#statement.run(...values));
  }

  get(...values: readonly SqlValue[]): SqlRow | undefined {
    return mapFailure(this.#path, () => this.#statement.get(...values));
  }

  all(...values: readonly SqlValue[]): SqlRow[] {
    return mapFailure(this.#path, () => this.#statement.all(...values));
  }

  *iterate(...values: readonly SqlValue[]): Generator<SqlRow, void, undefined> {
    const rows = mapFailure(this.#path, () => this.#statement.iterate(...values));
    try {
      for (;;) {
        const next = mapFailure(this.#path, () => rows.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      rows.return?.();
    }
  }
}

function laterVersion(path: string): UdpchatError {
  return new UdpchatError("STORE_UNUSABLE", `a later version of udpchat wrote ${path}`, {
    remedy: "update udpchat, or choose another folder with --home",
  });
}
