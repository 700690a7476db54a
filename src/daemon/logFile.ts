import {
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join, parse } from "node:path";
import { errnoOf } from "../errors.js";
import { toJson } from "../sanitise.js";

/** What the log of a daemon in the background may take of the disk: 5 MiB in all. */
export interface LogBounds {
  readonly fileBytes: number;
  /** The one that is written to among them. */
  readonly files: number;
}

export const LOG_BOUNDS: LogBounds = { fileBytes: 1024 * 1024, files: 5 };

/** `udpchat.log`, and the older ones behind it: `udpchat.1.log`, `udpchat.2.log`, ... */
export function logFileNames(path: string, files = LOG_BOUNDS.files): readonly string[] {
  const { dir, name, ext } = parse(path);
  const older = Array.from({ length: files - 1 }, (_, n) => join(dir, `${name}.${n + 1}${ext}`));
  return [path, ...older];
}

/**
 * A log of bounded size (0600) that never fails: what cannot be written is counted, and the next
 * line that can be says how many are missing. It writes at once, as the database does: a line
 * before the end of the process is on the disk, and nothing piles up in memory.
 */
export class LogFile {
  readonly #path: string;
  readonly #bounds: LogBounds;
  #descriptor: number | undefined;
  #sizeBytes = 0;
  /** The last line has no end. */
  #torn = false;
  #lost = 0;
  #failure: string | undefined;

  constructor(path: string, bounds: LogBounds = LOG_BOUNDS) {
    this.#path = path;
    this.#bounds = bounds;
  }

  /** Why the last line could not be written: `ENOSPC`; undefined if it was. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Opens it if that is possible now; `failure` says why not. */
  open(): void {
    this.#attempt(() => this.#reopenIfMoved());
  }

  /** One line or several, with their ends. */
  write(text: string): void {
    const bytes = Buffer.from(text);
    const written = this.#attempt(() => {
      this.#reopenIfMoved();
      if (this.#sizeBytes > 0 && this.#sizeBytes + bytes.length > this.#bounds.fileBytes) {
        this.#rotate();
      }
      if (this.#torn) this.#append(Buffer.from("\n"));
      if (this.#lost > 0) this.#append(Buffer.from(lostLine(this.#lost, this.#failure)));
      this.#lost = 0;
      this.#append(bytes);
    });
    if (!written) this.#lost += 1;
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #attempt(action: () => void): boolean {
    try {
      action();
      this.#failure = undefined;
      return true;
    } catch (error) {
      this.#failure = errnoOf(error) ?? "unknown";
      return false;
    }
  }

  /** Somebody may have moved or removed it: nobody would find what is written to it then. */
  #reopenIfMoved(): void {
    if (this.#descriptor !== undefined) {
      const there = statSync(this.#path, { throwIfNoEntry: false });
      if (there !== undefined && there.ino === fstatSync(this.#descriptor).ino) return;
      this.close();
    }
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    const descriptor = openSync(this.#path, "a", 0o600);
    this.#descriptor = descriptor;
    const { mode, size } = fstatSync(descriptor);
    if ((mode & 0o077) !== 0) fchmodSync(descriptor, 0o600);
    this.#sizeBytes = size;
  }

  /**
   * Renaming takes no room on the disk, and needs none. What was written last moves first: where that
   * is not allowed, as while others look at it on Windows, nothing older goes for it.
   */
  #rotate(): void {
    this.close();
    const [current = this.#path, ...older] = logFileNames(this.#path, this.#bounds.files);
    const moving = `${current}.moving`;
    // It is there where the rest did not work the last time.
    if (!existsSync(moving)) renameSync(current, moving);
    const oldest = older.at(-1);
    if (oldest !== undefined) rmSync(oldest, { force: true });
    const names = [moving, ...older];
    for (const [index, name] of [...names.entries()].toReversed()) {
      const next = names[index + 1];
      if (next !== undefined && existsSync(name)) renameSync(name, next);
    }
    this.#torn = false;
    this.#reopenIfMoved();
  }

  #append(bytes: Uint8Array): void {
    if (this.#descriptor === undefined) return;
    let offset = 0;
    // A disk that is nearly full takes a part.
    while (offset < bytes.length) {
      const count = writeSync(this.#descriptor, bytes, offset);
      offset += count;
      this.#sizeBytes += count;
      this.#torn = offset < bytes.length;
    }
  }
}

/** In the shape of the other lines. */
function lostLine(lines: number, code: string | undefined): string {
  const time = new Date().toISOString();
  const record = { level: 40, time, pid: process.pid, lines, code, msg: "log lines were lost" };
  return `${toJson(record)}\n`;
}
