import { errnoOf, UdpchatError } from "../errors.js";

/**
 * What is wrong with the disk: `busy`: another process does not end its batch; `damaged`: the file
 * is no database of ours, or no longer; `broken`: it can be neither read nor written, whatever the
 * reason.
 */
export type StoreFailureKind = "full" | "readOnly" | "damaged" | "busy" | "broken";

/** STORE_UNUSABLE, and why. */
export class StoreFailure extends UdpchatError {
  readonly kind: StoreFailureKind;
  /** Where a damaged file lies that was in the way, if this came after it was set aside. */
  readonly setAside: string | undefined;

  constructor(kind: StoreFailureKind, path: string, cause: unknown, setAside?: string) {
    const { sentence, remedy } = DESCRIPTIONS[kind];
    super("STORE_UNUSABLE", sentence.replace("FILE", path), { cause, remedy });
    this.kind = kind;
    this.setAside = setAside;
  }
}

const DESCRIPTIONS: Readonly<Record<StoreFailureKind, { sentence: string; remedy: string }>> = {
  full: { sentence: "the disk of FILE is full", remedy: "make room there" },
  readOnly: {
    sentence: "FILE cannot be written",
    remedy: "check the permissions and the disk there, or choose another folder with --home",
  },
  damaged: { sentence: "FILE is damaged", remedy: "restore it from a backup" },
  busy: {
    sentence: "another process does not let go of FILE",
    remedy: "end other programs that use it",
  },
  broken: {
    sentence: "the disk of FILE fails",
    remedy: "check the disk, or choose another folder with --home",
  },
};

/** Primary result codes. https://www.sqlite.org/rescode.html */
const RESULT_CODES: readonly (readonly [name: string, code: number, StoreFailureKind])[] = [
  ["SQLITE_PERM", 3, "readOnly"],
  ["SQLITE_BUSY", 5, "busy"],
  ["SQLITE_LOCKED", 6, "busy"],
  ["SQLITE_READONLY", 8, "readOnly"],
  ["SQLITE_IOERR", 10, "broken"],
  ["SQLITE_CORRUPT", 11, "damaged"],
  ["SQLITE_FULL", 13, "full"],
  ["SQLITE_CANTOPEN", 14, "broken"],
  ["SQLITE_PROTOCOL", 15, "busy"],
  ["SQLITE_NOTADB", 26, "damaged"],
];
const KIND_OF_NAME = new Map(RESULT_CODES.map(([name, , kind]) => [name, kind]));
const KIND_OF_CODE = new Map(RESULT_CODES.map(([, code, kind]) => [code, kind]));

/** What the file system itself says, before SQLite comes to it; `broken` for all else. */
const KIND_OF_ERRNO: ReadonlyMap<string, StoreFailureKind> = new Map([
  ["ENOSPC", "full"],
  ["EDQUOT", "full"],
  ["EROFS", "readOnly"],
  ["EACCES", "readOnly"],
  ["EPERM", "readOnly"],
]);

/**
 * Runs a step on the file at `path`: what goes wrong with the disk leaves as a `StoreFailure`,
 * anything else as it is.
 */
export function mapFailure<T>(path: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw asStoreFailure(path, error) ?? error;
  }
}

/** Undefined if it is no failure of the disk. */
export function asStoreFailure(path: string, error: unknown): StoreFailure | undefined {
  if (error instanceof StoreFailure) return error;
  const kind = kindOf(error);
  return kind === undefined ? undefined : new StoreFailure(kind, path, error);
}

function kindOf(error: unknown): StoreFailureKind | undefined {
  // node:sqlite tells the extended result code as a number: the primary one is its lowest byte.
  if (error instanceof Error && "errcode" in error && typeof error.errcode === "number") {
    return KIND_OF_CODE.get(error.errcode & 0xff);
  }
  const code = errnoOf(error);
  if (code === undefined) return undefined;
  // better-sqlite3 tells its name: SQLITE_IOERR_WRITE is an SQLITE_IOERR.
  if (code.startsWith("SQLITE_")) return KIND_OF_NAME.get(code.split("_").slice(0, 2).join("_"));
  const isOfFileSystem = error instanceof Error && "syscall" in error;
  return isOfFileSystem ? (KIND_OF_ERRNO.get(code) ?? "broken") : undefined;
}
