import { chmodSync, closeSync, existsSync, openSync, renameSync, statSync } from "node:fs";
import { errnoOf } from "../errors.js";

/** What SQLite keeps beside a database: the log must never be taken for that of another. */
const COMPANIONS = ["-wal", "-shm"];

/** Which file it is, whatever its name. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

/** Of the file that lies at a path. Undefined if there is none. */
export function fileIdentity(path: string): FileIdentity | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? undefined : { dev: stats.dev, ino: stats.ino };
}

export function isSameFile(a: FileIdentity | undefined, b: FileIdentity | undefined): boolean {
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

/**
 * Makes the file (0600) if it is missing, and closes one that is open to others; SQLite gives its
 * companions the same mode. One that exists is not opened: closing it again would drop the locks
 * that this process may hold on it (fcntl(2)).
 */
export function makePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    if (process.platform === "win32") return;
    for (const name of ["", ...COMPANIONS].map((suffix) => path + suffix)) {
      const stats = statSync(name, { throwIfNoEntry: false });
      if (stats !== undefined && (stats.mode & 0o077) !== 0) chmodSync(name, 0o600);
    }
  }
}

/**
 * Renames a database that nobody of this process has open, and what belongs to it; returns where
 * it lies now. Nobody else may open it or set it aside meanwhile.
 */
export function setAside(path: string): string {
  let atMs = Date.now();
  const names = (): string[] => [...COMPANIONS, ""].map((end) => `${path}.damaged-${atMs}${end}`);
  while (names().some((name) => existsSync(name))) atMs += 1;
  const aside = `${path}.damaged-${atMs}`;
  // The log goes first: SQLite removes one that it finds beside a new database.
  for (const end of COMPANIONS) {
    if (existsSync(path + end)) renameSync(path + end, aside + end);
  }
  renameSync(path, aside);
  return aside;
}
