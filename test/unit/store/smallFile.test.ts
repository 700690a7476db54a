import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withFileLock } from "../../../src/store/fileLock.js";
import { MembershipsFile } from "../../../src/store/memberships.js";
import { readPid } from "../../../src/store/pidFile.js";
import { readSmallFile } from "../../../src/store/smallFile.js";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "udpchat-small-"));
  path = join(folder, "file");
});
afterEach(() => rmSync(folder, { recursive: true }));

it("is read up to its bound, and not at all beyond", async () => {
  writeFileSync(path, "grüß");
  expect(await readSmallFile(path, 6)).toBe("grüß");
  expect(await readSmallFile(path, 5)).toBeUndefined();
  writeFileSync(path, "");
  expect(await readSmallFile(path, 0)).toBe("");
  await expect(readSmallFile(join(folder, "none"), 9)).rejects.toMatchObject({ code: "ENOENT" });
  await expect(readSmallFile(folder, 9)).rejects.toMatchObject({ code: "EISDIR" });
});

it.skipIf(process.platform === "win32")("may be a device that never ends", async () => {
  expect(await readSmallFile("/dev/zero", 4096)).toBeUndefined();
});

describe("a file of the home that has grown beyond all bounds", () => {
  const filling = " ".repeat(2 * 1024 * 1024);

  it("names no process", async () => {
    writeFileSync(path, `1${filling}`);
    expect(await readPid(path)).toBeUndefined();
  });

  it("holds no memberships", async () => {
    writeFileSync(path, `{"version":1,"memberships":[]}${filling}`);
    expect((await new MembershipsFile(path).list()).setAside).toBeDefined();
  });
});

it("as a lock is in nobody's way for long", async () => {
  writeFileSync(path, "x".repeat(2 * 1024 * 1024));
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(path, longAgo, longAgo);
  expect(await withFileLock(path, async () => "done")).toBe("done");
});
