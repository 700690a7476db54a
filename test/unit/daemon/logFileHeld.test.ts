import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { LogFile, logFileNames } from "../../../src/daemon/logFile.js";

/** What may not be renamed, as on Windows while somebody reads it. */
let held: string | undefined;
vi.mock("node:fs", async (importOriginal) => {
  const fs = await importOriginal<typeof import("node:fs")>();
  const renameSync = (from: string, to: string): void => {
    if (from === held) throw Object.assign(new Error("held"), { code: "EPERM" });
    fs.renameSync(from, to);
  };
  return { ...fs, renameSync };
});

it("a log file gives up nothing older while the latest cannot be moved", () => {
  const folder = mkdtempSync(join(tmpdir(), "udpchat-log-"));
  try {
    const path = join(folder, "udpchat.log");
    const [, first = "", second = ""] = logFileNames(path, 3);
    writeFileSync(first, "first\n");
    writeFileSync(second, "second\n");
    const file = new LogFile(path, { fileBytes: 100, files: 3 });
    file.write(`${"x".repeat(90)}\n`);
    held = path;
    for (let n = 0; n < 5; n += 1) file.write(`${"y".repeat(20)}\n`);
    expect([first, second].map((name) => readFileSync(name, "utf8"))).toEqual([
      "first\n",
      "second\n",
    ]);
    held = undefined;
    file.write(`${"z".repeat(20)}\n`);
    expect(readFileSync(path, "utf8")).toMatch(/"lines":5.*\nz{20}\n$/);
    expect(readFileSync(second, "utf8")).toBe("first\n");
    file.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
