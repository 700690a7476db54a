import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LOG_BOUNDS, LogFile, logFileNames } from "../../../src/daemon/logFile.js";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "udpchat-log-"));
  path = join(folder, "udpchat.log");
});
afterEach(() => rmSync(folder, { recursive: true }));

const BOUNDS = { fileBytes: 100, files: 3 };
const modeOf = (file: string): number => statSync(file).mode & 0o777;

describe("a log file", () => {
  it("is made with its folder, private, and appended to", () => {
    path = join(folder, "deep", "folder", "udpchat.log");
    for (const line of ["one\n", "two\n"]) {
      const file = new LogFile(path);
      file.write(line);
      file.close();
    }
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
    expect(modeOf(path)).toBe(0o600);
    expect(modeOf(join(folder, "deep"))).toBe(0o700);
  });

  it("is closed to others where an earlier program left it open", () => {
    writeFileSync(path, "before\n", { mode: 0o644 });
    new LogFile(path).write("after\n");
    expect(modeOf(path)).toBe(0o600);
  });

  it("keeps the latest lines in files of bounded size and number", () => {
    const file = new LogFile(path, BOUNDS);
    const lines = Array.from({ length: 100 }, (_, n) => `line ${String(n).padStart(4, "0")}\n`);
    for (const line of lines) file.write(line);
    const names = logFileNames(path, BOUNDS.files);
    expect(names.map((name) => name.slice(folder.length + 1))).toEqual([
      "udpchat.log",
      "udpchat.1.log",
      "udpchat.2.log",
    ]);
    expect(readdirSync(folder)).toHaveLength(BOUNDS.files);
    for (const name of names) {
      expect(statSync(name).size).toBeLessThanOrEqual(BOUNDS.fileBytes);
      expect(modeOf(name)).toBe(0o600);
    }
    const kept = names
      .toReversed()
      .map((name) => readFileSync(name, "utf8"))
      .join("");
    expect(kept).toBe(lines.slice(-kept.split("\n").length + 1).join(""));
    expect(kept.length).toBeGreaterThan(BOUNDS.fileBytes);
  });

  it("takes a line that is longer than a file", () => {
    const file = new LogFile(path, BOUNDS);
    const long = `${"x".repeat(300)}\n`;
    for (const line of ["short\n", long, "short\n"]) file.write(line);
    const [now = "", before = ""] = logFileNames(path);
    expect(readFileSync(now, "utf8")).toBe("short\n");
    expect(readFileSync(before, "utf8")).toBe(long);
  });

  it("goes on in a new file where somebody moved or removed the old one", () => {
    const file = new LogFile(path);
    file.write("one\n");
    renameSync(path, join(folder, "moved"));
    file.write("two\n");
    expect(readFileSync(path, "utf8")).toBe("two\n");
    rmSync(path);
    file.write("three\n");
    expect(readFileSync(path, "utf8")).toBe("three\n");
  });

  it("fails nobody while it cannot be written, and says afterwards what is missing", () => {
    mkdirSync(path);
    const file = new LogFile(path);
    file.open();
    expect(file.failure).toBe("EISDIR");
    file.write("lost\n");
    file.write("lost as well\n");
    rmSync(path, { recursive: true });
    expect(existsSync(path)).toBe(false);
    file.write("found\n");
    expect(file.failure).toBeUndefined();
    const [missing = "", found] = readFileSync(path, "utf8").split("\n");
    expect(JSON.parse(missing)).toMatchObject({ level: 40, lines: 2, code: "EISDIR" });
    expect(found).toBe("found");
  });

  it("has 5 MiB at most", () => {
    expect(LOG_BOUNDS.fileBytes * LOG_BOUNDS.files).toBe(5 * 1024 * 1024);
  });
});
