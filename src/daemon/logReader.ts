import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import * as v from "valibot";
import type { LogLine } from "../api/lines.js";
import { errnoOf, UdpchatError } from "../errors.js";
import { LOG_BOUNDS, logFileNames } from "./logFile.js";

/** One line of the log. */
export interface LogEntry {
  /** As it was written, without its end. */
  readonly recorded: string;
  readonly line: LogLine;
}

/** Which of the lines that are there. */
export interface LogSelection {
  /** The last so many. */
  readonly lines: number;
  /** Of them those since then, in milliseconds since 1970. */
  readonly sinceMs?: number;
}

/** Of each file so much is read: a foreign one that lies there must not fill our memory. */
const MAX_READ_BYTES = 4 * LOG_BOUNDS.fileBytes;
const POLL_MS = 200;
const NEWLINE = 0x0a;

/** The log of a daemon, whether one runs or not: what is there, and then what comes. */
export class LogReader {
  readonly #path: string;
  #file: FileHandle | undefined;
  /** In the file: behind the last line that was read to its end. */
  #position = 0;

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws UdpchatError HOME_UNUSABLE if it may not be read; none at all is an empty one */
  static async open(path: string): Promise<LogReader> {
    const reader = new LogReader(path);
    reader.#file = await openIfThere(path);
    return reader;
  }

  /** The last lines, the oldest first. To be called once, before `follow`. */
  async last({ lines, sinceMs }: LogSelection): Promise<LogEntry[]> {
    let found = await this.#read();
    // The oldest lines say whether those before them can matter.
    for (const name of logFileNames(this.#path).slice(1)) {
      if (found.length >= lines || isBefore(found[0], sinceMs)) break;
      const file = await openIfThere(name);
      if (file === undefined) break;
      try {
        const { text } = await readLines(file, 0);
        found = [...entriesOf(text), ...found];
      } finally {
        await file.close();
      }
    }
    const recent = found.filter((entry) => !isBefore(entry, sinceMs));
    return lines === 0 ? [] : recent.slice(-lines);
  }

  /** Every line that is written from now on, until `signal` aborts; rotation is followed. */
  async *follow(signal: AbortSignal): AsyncGenerator<LogEntry, void, undefined> {
    while (!signal.aborted) {
      // In this order: nothing is written any more to a file that was moved.
      const isOver = await this.#isOver();
      const entries = await this.#read();
      yield* entries;
      if (isOver) await this.#turnPage();
      else if (entries.length === 0) {
        await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  /** Complete lines behind those that were read. */
  async #read(): Promise<LogEntry[]> {
    if (this.#file === undefined) return [];
    const { text, endPosition } = await readLines(this.#file, this.#position);
    this.#position = endPosition;
    return entriesOf(text);
  }

  /** Another file lies there now, or the same one was emptied. */
  async #isOver(): Promise<boolean> {
    const there = await stat(this.#path).catch(() => undefined);
    if (there === undefined) return false;
    const mine = await this.#file?.stat();
    return mine === undefined || mine.ino !== there.ino || there.size < this.#position;
  }

  async #turnPage(): Promise<void> {
    await this.close();
    this.#file = await openIfThere(this.#path);
    this.#position = 0;
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    // Whatever lies there, a pipe as well, does not make us wait.
    return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return undefined;
    throw new UdpchatError("HOME_UNUSABLE", `cannot read ${path}`, {
      cause,
      remedy: "check its permissions",
    });
  }
}

/** The complete lines from there on, at most the last `MAX_READ_BYTES`. */
async function readLines(
  file: FileHandle,
  position: number,
): Promise<{ readonly text: string; readonly endPosition: number }> {
  const { size } = await file.stat();
  const start = Math.max(position, size - MAX_READ_BYTES);
  const buffer = Buffer.alloc(Math.max(0, size - start));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
  const read = buffer.subarray(0, bytesRead);
  const end = read.lastIndexOf(NEWLINE) + 1;
  // What begins in the middle of a line goes without it.
  const begin = start === position ? 0 : read.indexOf(NEWLINE) + 1;
  return { text: read.toString("utf8", Math.min(begin, end), end), endPosition: start + end };
}

function isBefore(entry: LogEntry | undefined, sinceMs: number | undefined): boolean {
  const time = entry?.line.time ?? null;
  return sinceMs !== undefined && time !== null && Date.parse(time) < sinceMs;
}

const RecordSchema = v.looseObject({
  level: v.number(),
  time: v.pipe(v.string(), v.isoTimestamp()),
  pid: v.number(),
  msg: v.optional(v.string(), ""),
});

/** As pino numbers them. */
const LEVELS = [
  [60, "fatal"],
  [50, "error"],
  [40, "warn"],
  [30, "info"],
] as const;

function entriesOf(text: string): LogEntry[] {
  const recorded = text.split("\n").filter((line) => line !== "");
  let time: string | null = null;
  return recorded.map((one) => {
    const entry = entryOf(one, time);
    time = entry.line.time;
    return entry;
  });
}

/** @param before when the line before it was written: what Node itself says has no time */
function entryOf(recorded: string, before: string | null): LogEntry {
  const parsed = v.safeParse(RecordSchema, parseJson(recorded));
  if (!parsed.success) {
    const message = recorded;
    const line = { time: before, level: "error", pid: null, message, fields: {} } as const;
    return { recorded, line: { type: "log", ...line } };
  }
  const { level, time, pid, msg, ...fields } = parsed.output;
  const [, name] = LEVELS.find(([lowest]) => level >= lowest) ?? [20, "debug" as const];
  return { recorded, line: { type: "log", time, level: name, pid, message: msg, fields } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
