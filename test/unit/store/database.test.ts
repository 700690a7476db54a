import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Database } from "../../../src/store/database.js";
import { MIGRATIONS } from "../../../src/store/schema.js";
import type { SqlDatabase } from "../../../src/store/sql.js";
import type { OpenEngine } from "../../../src/store/sqliteEngine.js";
import { asStoreFailure, StoreFailure } from "../../../src/store/storeFailure.js";
import { describeOnEngines } from "../../support/sqliteEngines.js";

const TABLE = ["CREATE TABLE things (name TEXT PRIMARY KEY, size INTEGER, bytes BLOB) STRICT"];

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "udpchat-database-"));
  path = join(folder, "udpchat.db");
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** An engine, what it has opened, and what it was told to do. */
function watched(engine: OpenEngine): {
  engine: OpenEngine;
  opened: SqlDatabase[];
  told: string[];
} {
  const opened: SqlDatabase[] = [];
  const told: string[] = [];
  const open: OpenEngine = (file) => {
    const database = engine(file);
    opened.push(database);
    return {
      engine: database.engine,
      exec(sql) {
        told.push(sql);
        database.exec(sql);
      },
      prepare: (sql) => database.prepare(sql),
      close: () => database.close(),
    };
  };
  return { engine: open, opened, told };
}

function modeOf(file: string): string {
  return (statSync(file).mode & 0o777).toString(8);
}

function failureOf(step: () => unknown): StoreFailure | undefined {
  try {
    step();
  } catch (error) {
    if (error instanceof StoreFailure) return error;
    throw error;
  }
  return undefined;
}

await describeOnEngines("a database", (engine, engineName) => {
  it("holds few pages in memory, whatever the engine would", () => {
    const { engine: open, opened } = watched(engine);
    const database = Database.open(open, path, TABLE);
    expect(opened[0]?.prepare("PRAGMA cache_size").get()?.["cache_size"]).toBe(-2000);
    database.close();
  });

  it("keeps every kind of value, and gives bytes that are no Buffer", () => {
    const database = Database.open(engine, path, TABLE);
    const insert = database.prepare("INSERT INTO things VALUES (?, ?, ?)");
    expect(insert.run("a", Number.MAX_SAFE_INTEGER, new Uint8Array([1, 2, 3]))).toBe(1);
    expect(insert.run("b", null, null)).toBe(1);
    const select = database.prepare("SELECT * FROM things ORDER BY name");
    const rows = select.all();
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { name: "a", size: Number.MAX_SAFE_INTEGER, bytes: new Uint8Array([1, 2, 3]) },
      { name: "b", size: null, bytes: null },
    ]);
    expect(Buffer.isBuffer(rows[0]?.["bytes"])).toBe(false);
    expect([...select.iterate()].map((row) => row["name"])).toEqual(["a", "b"]);
    expect(database.prepare("SELECT 1 AS one WHERE 0").get()).toBeUndefined();
    expect(
      database.prepare("SELECT name FROM things WHERE size = ?").get(2 ** 53 - 1),
    ).toMatchObject({ name: "a" });
    expect(database.engine).toBe(engineName);
    expect(database.prepare("SELECT 1")).toBe(database.prepare("SELECT 1"));
    database.close();
  });

  it("stores all of a batch or nothing, and joins one within another", () => {
    const database = Database.open(engine, path, TABLE);
    const add = (name: string): number =>
      database.prepare("INSERT INTO things (name) VALUES (?)").run(name);
    expect(() =>
      database.batch("soon", () => {
        add("a");
        database.batch("promise", () => add("b"));
        throw new Error("changed my mind");
      }),
    ).toThrow("changed my mind");
    expect(database.batch("promise", () => database.batch("soon", () => add("c")))).toBe(1);
    const names = database.prepare("SELECT name FROM things").all();
    expect(names.map((row) => row["name"])).toEqual(["c"]);
    database.close();
  });

  it("syncs what was promised before the batch returns, and nothing else", () => {
    const { engine: watchedEngine, told } = watched(engine);
    const database = Database.open(watchedEngine, path, TABLE);
    const syncs = (durabilities: readonly ("promise" | "soon")[]): string[] => {
      told.length = 0;
      const [first = "soon", ...inner] = durabilities;
      database.batch(first, () => {
        for (const durability of inner) database.batch(durability, () => undefined);
      });
      return told.filter((sql) => /synchronous|COMMIT/.test(sql)).map((sql) => sql.slice(-6));
    };
    expect(syncs(["soon"])).toEqual(["NORMAL", "COMMIT"]);
    expect(syncs(["soon"])).toEqual(["COMMIT"]);
    expect(syncs(["promise"])).toEqual(["= FULL", "COMMIT"]);
    expect(syncs(["promise", "soon"])).toEqual(["COMMIT"]);
    expect(syncs(["soon", "soon"])).toEqual(["NORMAL", "COMMIT"]);
    // The second commit takes the first one along.
    expect(syncs(["soon", "promise"])).toEqual(["COMMIT", "= FULL", "COMMIT"]);
    database.close();
  });

  it("is private, with its log, also if it was open to others", () => {
    const database = Database.open(engine, path, TABLE);
    database.prepare("INSERT INTO things (name) VALUES (?)").run("a");
    const modes = (): string[] =>
      readdirSync(folder).map((name) => `${name} ${modeOf(join(folder, name))}`);
    const isPrivate = ["", "-shm", "-wal"].map((end) => `udpchat.db${end} 600`);
    expect(modes()).toEqual(isPrivate);
    for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o644);
    const second = Database.open(engine, path, TABLE);
    expect(modes()).toEqual(isPrivate);
    second.close();
    database.close();
    expect(readdirSync(folder)).toEqual(["udpchat.db"]);
  });

  describe("that is migrated", () => {
    const steps = [
      "CREATE TABLE things (name TEXT) STRICT",
      "ALTER TABLE things ADD COLUMN size INTEGER; UPDATE things SET size = length(name)",
      "CREATE INDEX things_by_size ON things (size)",
    ];
    const schemaOf = (database: Database): unknown[] =>
      database
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
        .all()
        .map((row) => row["sql"]);
    const versionOf = (database: Database): unknown =>
      database.prepare("PRAGMA user_version").get()?.["user_version"];

    it.each([1, 2, 3])("comes from number %i with what is in it", (from) => {
      const old = Database.open(engine, path, steps.slice(0, from));
      old.prepare("INSERT INTO things (name) VALUES (?)").run("abc");
      old.close();
      const database = Database.open(engine, path, steps);
      expect(versionOf(database)).toBe(3);
      expect(schemaOf(database)).toHaveLength(2);
      expect(database.prepare("SELECT name FROM things").get()).toMatchObject({ name: "abc" });
      database.close();
    });

    it("has the same tables whatever number it comes from", () => {
      const fresh = Database.open(engine, path, MIGRATIONS);
      const expected = schemaOf(fresh);
      expect(expected.length).toBeGreaterThan(3);
      for (const [from] of MIGRATIONS.entries()) {
        const other = join(folder, `from-${from}.db`);
        Database.open(engine, other, MIGRATIONS.slice(0, from)).close();
        const database = Database.open(engine, other, MIGRATIONS);
        expect(schemaOf(database)).toEqual(expected);
        database.close();
      }
      fresh.close();
    });

    it("stays where it was if a step fails in the middle", () => {
      const broken = [steps[0] ?? "", `${steps[1]}; INSERT INTO absent VALUES (1)`];
      expect(() => Database.open(engine, path, broken)).toThrow(/absent/);
      const database = Database.open(engine, path, steps.slice(0, 1));
      expect(versionOf(database)).toBe(1);
      expect(schemaOf(database)).toEqual([expect.not.stringContaining("size")]);
      database.close();
    });

    it("takes no step that another process was quicker to take", () => {
      let isFirst = true;
      const database = Database.open(
        (file) => {
          const connection = engine(file);
          const exec = connection.exec.bind(connection);
          connection.exec = (sql) => {
            if (sql.startsWith("BEGIN") && isFirst) {
              isFirst = false;
              Database.open(engine, path, steps).close();
            }
            exec(sql);
          };
          return connection;
        },
        path,
        steps,
      );
      expect(isFirst).toBe(false);
      expect(versionOf(database)).toBe(3);
      database.close();
    });

    it("is left alone if a later version wrote it", () => {
      const later = engine(path);
      later.exec("CREATE TABLE things (name TEXT); PRAGMA user_version = 3");
      later.close();
      const before = readFileSync(path);
      const open = (): unknown => Database.open(engine, path, steps.slice(0, 2));
      expect(open).toThrow(
        expect.objectContaining({
          code: "STORE_UNUSABLE",
          message: expect.stringContaining("a later version of udpchat wrote"),
          remedy: expect.stringContaining("update udpchat"),
        }),
      );
      expect(open).not.toThrow(StoreFailure);
      expect(readFileSync(path).equals(before)).toBe(true);
    });
  });

  describe("that fails", () => {
    const add = (database: Database, bytes: number): unknown =>
      database.batch("soon", () =>
        database
          .prepare("INSERT INTO things VALUES (hex(randomblob(8)), 1, zeroblob(?))")
          .run(bytes),
      );

    it("is full where no page is left", () => {
      const { engine: watchedEngine, opened } = watched(engine);
      const database = Database.open(watchedEngine, path, TABLE);
      opened[0]?.exec("PRAGMA max_page_count = 20");
      const failure = failureOf(() => {
        for (let n = 0; n < 50; n += 1) add(database, 4000);
      });
      expect(failure).toMatchObject({ kind: "full", code: "STORE_UNUSABLE" });
      expect(failure?.cause).toBeInstanceOf(Error);
      // And goes on: nothing of the batch is left open.
      expect(database.batch("soon", () => "read")).toBe("read");
      database.close();
    });

    it("is read-only", () => {
      const { engine: watchedEngine, opened } = watched(engine);
      const database = Database.open(watchedEngine, path, TABLE);
      opened[0]?.exec("PRAGMA query_only = ON");
      expect(failureOf(() => add(database, 1))).toMatchObject({ kind: "readOnly" });
      expect(failureOf(() => database.probe())).toMatchObject({ kind: "readOnly" });
      database.close();
    });

    it("is busy while another one does not end its batch, and works again then", () => {
      const database = Database.open(engine, path, TABLE);
      const other = Database.open(engine, path, TABLE);
      const failure = other.batch("soon", () => failureOf(() => add(database, 1)));
      expect(failure).toMatchObject({ kind: "busy" });
      expect(add(database, 1)).toBe(1);
      other.close();
      database.close();
    });

    it("lies in no folder, or is one", () => {
      const nowhere = join(folder, "missing", "udpchat.db");
      expect(failureOf(() => Database.open(engine, nowhere, TABLE))?.kind).toBe("broken");
      expect(failureOf(() => Database.open(engine, folder, TABLE))?.kind).toBe("broken");
    });

    it("says what is no failure of the disk as it is", () => {
      const database = Database.open(engine, path, TABLE);
      database.prepare("INSERT INTO things (name) VALUES ('a')").run();
      const again = (): unknown => database.prepare("INSERT INTO things (name) VALUES ('a')").run();
      expect(again).toThrow(/UNIQUE/);
      expect(again).not.toThrow(StoreFailure);
      database.close();
    });

    it("takes a statement that does not fit for a damaged schema", () => {
      const database = Database.open(engine, path, TABLE);
      const statement = (): unknown => database.prepare("SELECT * FROM absent");
      expect(statement).toThrow(
        expect.objectContaining({ code: "STORE_UNUSABLE", kind: "damaged" }),
      );
      database.close();
    });
  });
});

describe("a failure", () => {
  const better = (code: string): Error => Object.assign(new Error(code), { code });
  const node = (errcode: number): Error =>
    Object.assign(new Error(`${errcode}`), { code: "ERR_SQLITE_ERROR", errcode });
  const system = (code: string): Error => Object.assign(new Error(code), { code, syscall: "open" });

  it.each([
    ["full", better("SQLITE_FULL"), node(13), system("ENOSPC")],
    ["readOnly", better("SQLITE_READONLY_DBMOVED"), node(8 | (4 << 8)), system("EROFS")],
    ["damaged", better("SQLITE_CORRUPT_VTAB"), node(11 | (1 << 8)), node(26)],
    ["damaged", better("SQLITE_NOTADB"), node(26), node(11)],
    ["busy", better("SQLITE_BUSY_SNAPSHOT"), node(5 | (2 << 8)), better("SQLITE_LOCKED")],
    ["broken", better("SQLITE_IOERR_FSYNC"), node(10 | (4 << 8)), system("EIO")],
    ["broken", better("SQLITE_CANTOPEN"), node(14), system("EMFILE")],
  ] as const)("is %s, whoever tells it", (kind, ...errors) => {
    for (const error of errors) {
      const failure = asStoreFailure("/home/udpchat.db", error);
      expect(failure).toMatchObject({ kind, code: "STORE_UNUSABLE", cause: error });
      expect(failure?.message).toContain("/home/udpchat.db");
      expect(failure?.remedy).not.toBe("");
    }
  });

  it("is none where a statement is wrong", () => {
    for (const error of [better("SQLITE_CONSTRAINT_UNIQUE"), node(1), better("ERR_X"), "text"]) {
      expect(asStoreFailure("x", error)).toBeUndefined();
    }
  });
});
