import { UdpchatError } from "../errors.js";
import { Database } from "./database.js";
import { type FileIdentity, fileIdentity, isSameFile, setAside } from "./databaseFile.js";
import { withFileLock } from "./fileLock.js";
import type { OpenEngine } from "./sqliteEngine.js";
import { asStoreFailure, mapFailure, StoreFailure } from "./storeFailure.js";

export interface OpenedDatabase {
  readonly database: Database;
  /** Where a damaged file lies that was in the way. */
  readonly setAside: string | undefined;
}

/**
 * Opens the database of a home. One that turns out to be damaged is set aside, never overwritten,
 * and a new one is begun. All processes of the home do this one after the other: nobody opens a
 * file that is just being renamed.
 * @param known this very file was found to be damaged; nobody of this process has it open
 * @throws StoreFailure, which says so if a file was set aside and then no new one could be begun;
 *   UdpchatError STORE_UNUSABLE if a later version wrote it
 */
export async function openDatabase(
  openEngine: OpenEngine,
  path: string,
  migrations: readonly string[],
  known?: FileIdentity,
): Promise<OpenedDatabase> {
  const open = (): Database => Database.open(openEngine, path, migrations);
  const openNew = (): OpenedDatabase => {
    const aside = mapFailure(path, () => setAside(path));
    try {
      return { database: open(), setAside: aside };
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      throw new StoreFailure(error.kind, path, error.cause, aside);
    }
  };
  return locked(path, () => {
    if (isSameFile(known, fileIdentity(path))) return openNew();
    try {
      return { database: open(), setAside: undefined };
    } catch (error) {
      if (error instanceof StoreFailure && error.kind === "damaged") return openNew();
      throw error;
    }
  });
}

async function locked<T>(path: string, step: () => T): Promise<T> {
  try {
    return await withFileLock(`${path}.lock`, async () => step());
  } catch (error) {
    const isHeld = error instanceof UdpchatError && error.code === "HOME_UNUSABLE";
    throw isHeld ? new StoreFailure("busy", path, error) : (asStoreFailure(path, error) ?? error);
  }
}
