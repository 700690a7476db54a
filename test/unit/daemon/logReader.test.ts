import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LogFile, logFileNames } from "../../../src/daemon/logFile.js";
import { type LogEntry, LogReader, type LogSelection } from "../../../src/daemon/logReader.js";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "udpchat-logs-"));
  path = join(folder, "udpchat.log");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The second of a day; its number is the text. */
const record = (second: number): string =>
  `${JSON.stringify({ level: 30, time: timeOf(second), pid: 7, msg: String(second), port: 1 })}\n`;
const timeOf = (second: number): string => new Date(Date.UTC(2026, 0, 2, 0, 0, second)).toJSON();
const texts = (entries: readonly LogEntry[]): string[] => entries.map(({ line }) => line.message);

async function last(selection: LogSelection): Promise<LogEntry[]> {
  const reader = await LogReader.open(path);
  try {
    return await reader.last(selection);
  } finally {
    await reader.close();
  }
}

describe("the last lines", () => {
  it("are none where there is no log", async () => {
    expect(await last({ lines: 10 })).toEqual([]);
  });

  it("come as recorded, and in the shape of the contract", async () => {
    writeFileSync(path, record(1));
    const [entry] = await last({ lines: 10 });
    expect(entry).toEqual({
      recorded: record(1).trimEnd(),
      line: {
        type: "log",
        time: timeOf(1),
        level: "info",
        pid: 7,
        message: "1",
        fields: { port: 1 },
      },
    });
  });

  it("are as many as were asked for, from older files as well", async () => {
    const file = new LogFile(path, { fileBytes: 4 * record(10).length, files: 5 });
    for (let second = 10; second < 24; second += 1) file.write(record(second));
    const all = Array.from({ length: 14 }, (_, n) => String(10 + n));
    for (const lines of [0, 1, 2, 3, 7, 14, 99]) {
      expect(texts(await last({ lines }))).toEqual(lines === 0 ? [] : all.slice(-lines));
    }
    const sinceMs = Date.parse(timeOf(13));
    expect(texts(await last({ lines: Number.POSITIVE_INFINITY, sinceMs }))).toEqual(all.slice(3));
    expect(texts(await last({ lines: 2, sinceMs }))).toEqual(all.slice(-2));
  });

  it("have what Node itself wrote, at the time of the line before it", async () => {
    writeFileSync(path, `early\n${record(5)}FATAL ERROR: heap\n{"level":30}\n`);
    const entries = await last({ lines: 10 });
    expect(entries.map(({ line }) => [line.time, line.level, line.message])).toEqual([
      [null, "error", "early"],
      [timeOf(5), "info", "5"],
      [timeOf(5), "error", "FATAL ERROR: heap"],
      [timeOf(5), "error", '{"level":30}'],
    ]);
  });

  it("are complete ones, of at most 4 MiB of a file", async () => {
    const filler = `${"x".repeat(1023)}\n`;
    writeFileSync(path, `${filler.repeat(5000)}${record(1)}{"half`);
    const entries = await last({ lines: Number.POSITIVE_INFINITY });
    expect(texts(entries).at(-1)).toBe("1");
    expect(entries.length).toBeLessThanOrEqual(4096);
    expect(texts(entries)[0]).toBe(filler.trimEnd());
  });

  it("reject where the log may not be read", async () => {
    mkdirSync(join(folder, "file"));
    writeFileSync(path, "");
    path = join(path, "below");
    await expect(LogReader.open(path)).rejects.toMatchObject({ code: "HOME_UNUSABLE" });
  });
});

describe("following", () => {
  /** Follows until `count` lines came, each of them the cue for the next step. */
  async function followed(count: number, step: (seen: number) => void): Promise<string[]> {
    const reader = await LogReader.open(path);
    const before = texts(await reader.last({ lines: 1 }));
    const ending = new AbortController();
    const seen: string[] = [];
    step(0);
    for await (const { line } of reader.follow(ending.signal)) {
      seen.push(line.message);
      if (seen.length === count) ending.abort();
      else step(seen.length);
    }
    await reader.close();
    return [...before, ...seen];
  }

  it("misses and repeats nothing when files are rotated", async () => {
    const file = new LogFile(path, { fileBytes: 3 * record(10).length, files: 3 });
    file.write(record(10));
    const seen = await followed(9, (count) => file.write(record(11 + count)));
    expect(seen).toEqual(Array.from({ length: 10 }, (_, n) => String(10 + n)));
  });

  it("waits for the first line, and for the ends of lines", async () => {
    const seen = await followed(3, (count) => {
      if (count === 0) writeFileSync(path, record(1) + record(2).slice(0, 10));
      if (count === 1) appendFileSync(path, record(2).slice(10) + record(3));
    });
    expect(seen).toEqual(["1", "2", "3"]);
  });

  it("reads a file to its end that was moved, and then the one in its place", async () => {
    writeFileSync(path, record(1));
    const seen = await followed(4, (count) => {
      if (count !== 0) return;
      appendFileSync(path, record(2));
      renameSync(path, join(folder, "udpchat.1.log"));
      writeFileSync(path, record(3) + record(4) + record(5));
    });
    expect(seen).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("begins again in a file that was emptied", async () => {
    writeFileSync(path, record(1) + record(2));
    const seen = await followed(2, (count) => {
      if (count === 0) appendFileSync(path, record(3));
      if (count === 1) {
        truncateSync(path);
        appendFileSync(path, record(4));
      }
    });
    expect(seen).toEqual(["2", "3", "4"]);
  });

  it("ends at once when it is given up", async () => {
    const reader = await LogReader.open(path);
    const ending = new AbortController();
    const seen: LogEntry[] = [];
    setImmediate(() => ending.abort());
    for await (const entry of reader.follow(ending.signal)) seen.push(entry);
    expect(seen).toEqual([]);
    expect(logFileNames(path)).toHaveLength(5);
  });
});
