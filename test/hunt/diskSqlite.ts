import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { openDatabase } from "../../src/store/openDatabase.js";
import type { OpenedDisk } from "../../src/store/resilientStore.js";
import { MIGRATIONS } from "../../src/store/schema.js";
import type { SqlDatabase } from "../../src/store/sql.js";
import { loadEngine, type OpenEngine } from "../../src/store/sqliteEngine.js";
import { SqlMessageStore } from "../../src/store/sqlMessageStore.js";
import type { SeededRandom } from "../support/seededRandom.js";
import { type Disk, type DiskUser, FaultyHead, type OpenedStore, openOnDisk } from "./disk.js";
import { tornWrite } from "./diskBlocks.js";
import { WatchedSql } from "./diskSql.js";

/** The database and its log, as bytes. Never changed, but replaced. */
interface Image {
  readonly db: Buffer;
  readonly wal: Buffer;
}

const NOTHING = Buffer.alloc(0);
/** Magic, version, page size, number, salts, checksums. https://www.sqlite.org/fileformat.html */
const WAL_HEADER_BYTES = 32;
const PAGE_BYTES = 4096;

/**
 * A database on real files, by the real engine, that can lose power. What SQLite has synced by then
 * follows from what it was told (https://www.sqlite.org/wal.html, pragma.html#pragma_synchronous,
 * `wal.c`):
 *
 * - FULL: the log at every commit. NORMAL: not at commits.
 * - A checkpoint (here every few commits, on the disk's own command) syncs the log, writes the
 *   pages to the database, and syncs that.
 * - After it the next commit begins the log anew, from its start: its header is synced, at NORMAL
 *   as well, before frames follow it.
 * - The last connection that is closed makes a checkpoint, and removes the log. The removal itself
 *   is not synced before the next log is.
 */
export class SqliteDisk implements Disk {
  readonly head: FaultyHead;
  readonly #checkpointCommits: number;
  /** A folder for each process: one that is gone may go on in its own. */
  #folder: string | undefined;
  #generation = 0;
  #safe: Image | undefined;
  /** When the last commit began. */
  #safeBefore: Image | undefined;
  /** The last commit was followed by a checkpoint, of this log. */
  #checkpointed = false;
  /** A log that was removed, and may be back. */
  #removedWal: Buffer | undefined;
  #commitsSinceCheckpoint = 0;
  #commits = 0;
  /** Of processes that are gone, until the next one opens; bounded by what one opens. */
  #connections: SqlDatabase[] = [];

  /** @param checkpointCommits commits from one checkpoint to the next */
  constructor(chance: SeededRandom, checkpointCommits: number) {
    this.head = new FaultyHead("udpchat.db", chance);
    this.#checkpointCommits = checkpointCommits;
  }

  get commits(): number {
    return this.#commits;
  }

  get #path(): string {
    return pathIn(this.#folder, this.#generation);
  }

  async open(user: DiskUser): Promise<OpenedStore> {
    const engine = await loadEngine();
    if (this.#folder === undefined) {
      this.#folder = newFolder();
      this.#replace({ db: await emptyDatabase(engine), wal: NOTHING });
      this.#safe = this.#files();
      this.#safeBefore = this.#safe;
    }
    this.#closeConnections();
    const generation = this.#generation;
    return openOnDisk(this.#path, user, (damaged) =>
      this.#openFile((path) => this.#watched(engine(path), generation), damaged),
    );
  }

  async #openFile(
    open: OpenEngine,
    damaged: Parameters<typeof openDatabase>[3],
  ): Promise<OpenedDisk> {
    this.head.reads();
    const { database, setAside } = await openDatabase(open, this.#path, MIGRATIONS, damaged);
    // A new database was made, and all of that is synced.
    if (setAside !== undefined) this.#allSafe();
    return {
      setAside,
      disk: {
        store: new SqlMessageStore(database),
        file: database.file,
        isInPlace: () => database.isInPlace(),
        probe: () => database.probe(),
      },
    };
  }

  #watched(sql: SqlDatabase, generation: number): SqlDatabase {
    this.#connections.push(sql);
    const isAlive = (): boolean => generation === this.#generation;
    return new WatchedSql(sql, this.head, {
      committed: (connection, synced) => {
        if (isAlive()) this.#committed(connection, synced);
      },
      closing: () => {
        if (isAlive()) this.#removedWal = this.#files().wal;
      },
      closed: () => {
        if (isAlive() && !existsSync(`${this.#path}-wal`)) this.#allSafe();
      },
    });
  }

  #committed(sql: SqlDatabase, synced: boolean): void {
    this.#commits += 1;
    const before = this.#safe ?? this.#files();
    this.#safeBefore = before;
    this.#checkpointed = false;
    this.#removedWal = undefined;
    this.#safe = {
      ...before,
      wal: synced ? readFileSync(`${this.#path}-wal`) : this.#begun(before.wal),
    };
    this.#commitsSinceCheckpoint += 1;
    if (this.#commitsSinceCheckpoint < this.#checkpointCommits) return;
    this.#commitsSinceCheckpoint = 0;
    const result = sql.prepare("PRAGMA wal_checkpoint(PASSIVE)").get();
    this.#checkpointed = result?.["log"] === result?.["checkpointed"];
    const { db, wal } = this.#files();
    this.#safe = { db: this.#checkpointed ? db : before.db, wal };
  }

  /** A log whose header, and nothing else of what is new, is safe. */
  #begun(wal: Buffer): Buffer {
    const header = Buffer.alloc(WAL_HEADER_BYTES);
    const file = openSync(`${this.#path}-wal`, "r");
    readSync(file, header, 0, WAL_HEADER_BYTES, 0);
    closeSync(file);
    if (header.equals(wal.subarray(0, WAL_HEADER_BYTES))) return wal;
    return Buffer.concat([header, wal.subarray(WAL_HEADER_BYTES)]);
  }

  killed(): void {
    if (this.#folder !== undefined) this.#replace(this.#files());
  }

  powerCut(chance: SeededRandom, torn: boolean): void {
    const [safe, before] = [this.#safe, this.#safeBefore];
    if (safe === undefined || before === undefined) return;
    this.#replace(this.#afterCut(safe, torn ? before : undefined, chance));
    this.#allSafe();
  }

  /** @param torn what was safe when the commit began in which the power was cut */
  #afterCut(safe: Image, torn: Image | undefined, chance: SeededRandom): Image {
    const { db, wal } = this.#files();
    if (torn !== undefined) {
      const isInCheckpoint = this.#checkpointed && chance.uniform() < 0.5;
      if (isInCheckpoint) return { db: tornWrite(torn.db, db, chance), wal };
      return { db: torn.db, wal: tornWrite(torn.wal, wal, chance) };
    }
    const removed = wal.length === 0 && chance.uniform() < 0.5 ? this.#removedWal : undefined;
    return {
      db: tornWrite(safe.db, db, chance),
      wal: removed ?? tornWrite(safe.wal, wal, chance),
    };
  }

  /** The header of the file, or all of it behind the header; and the log is gone. */
  damage(chance: SeededRandom): void {
    if (this.#folder === undefined) return;
    const { db: whole } = this.#files();
    const db = Buffer.concat([whole, NOTHING], Math.max(whole.length, PAGE_BYTES));
    const inHeader = chance.uniform() < 0.5;
    // All of a young one may be in the log: without it nothing but a header can look damaged.
    if (inHeader || db.length === PAGE_BYTES) db.fill(0xa5, 0, 100);
    else db.fill(0xa5, PAGE_BYTES);
    this.#replace({ db, wal: NOTHING });
    this.#allSafe();
  }

  end(): void {
    this.#generation += 1;
    this.#closeConnections();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  #files(): Image {
    const wal = `${this.#path}-wal`;
    return { db: readFileSync(this.#path), wal: existsSync(wal) ? readFileSync(wal) : NOTHING };
  }

  #allSafe(): void {
    this.#safe = this.#files();
    this.#safeBefore = this.#safe;
    this.#checkpointed = false;
  }

  /** What the next process finds; whoever has the former files open keeps them for himself. */
  #replace({ db, wal }: Image): void {
    this.#generation += 1;
    const path = this.#path;
    mkdirSync(dirname(path), { mode: 0o700 });
    writeFileSync(path, db, { mode: 0o600 });
    if (wal.length > 0) writeFileSync(`${path}-wal`, wal, { mode: 0o600 });
  }

  #closeConnections(): void {
    for (const connection of this.#connections) {
      try {
        connection.close();
      } catch {
        // It was closed before.
      }
    }
    this.#connections = [];
  }
}

function pathIn(folder: string | undefined, generation: number): string {
  if (folder === undefined) throw new Error("nothing was ever opened on this disk");
  return join(folder, `${generation}`, "udpchat.db");
}

let root: string | undefined;

/** In memory, where there is such a place: nothing here needs to outlast the program. */
function newFolder(): string {
  if (root === undefined) {
    const made = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "udpchat-hunt-"));
    process.once("exit", () => rmSync(made, { recursive: true, force: true }));
    root = made;
  }
  return mkdtempSync(join(root, "disk-"));
}

/** Made once: it takes longer than a seed has for it. */
let empty: Buffer | undefined;

async function emptyDatabase(engine: OpenEngine): Promise<Buffer> {
  if (empty === undefined) {
    const folder = newFolder();
    const path = join(folder, "udpchat.db");
    const { database } = await openDatabase(engine, path, MIGRATIONS);
    database.close();
    empty = readFileSync(path);
    rmSync(folder, { recursive: true, force: true });
  }
  return empty;
}
