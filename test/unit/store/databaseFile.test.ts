import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { setAside } from "../../../src/store/databaseFile.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "udpchat-file-"));
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

it("sets a database aside together with its log, so that no other one takes it for its own", () => {
  const path = join(folder, "udpchat.db");
  for (const end of ["", "-wal", "-shm"]) writeFileSync(path + end, `content of ${end}`);
  const aside = setAside(path);
  expect(aside).toMatch(/udpchat\.db\.damaged-\d+$/);
  const ends = ["", "-shm", "-wal"];
  expect(readdirSync(folder)).toEqual(ends.map((end) => basename(aside) + end));
  for (const end of ends) expect(readFileSync(aside + end, "utf8")).toBe(`content of ${end}`);
});

it("sets a second one aside beside the first, also in the same millisecond", () => {
  vi.spyOn(Date, "now").mockReturnValue(1_800_000_000_000);
  const path = join(folder, "udpchat.db");
  const asides = ["first", "second"].map((content) => {
    writeFileSync(path, content);
    return setAside(path);
  });
  expect(asides.map((aside) => readFileSync(aside, "utf8"))).toEqual(["first", "second"]);
});
