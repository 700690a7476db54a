import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { withFileLock } from "../../../src/store/fileLock.js";

/** What happens when somebody looks how old a lock is: the first time, the second time... */
const looks = vi.hoisted((): (() => void)[] => []);

vi.mock("node:fs/promises", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:fs/promises")>();
  const stat = async (path: string): Promise<unknown> => {
    looks.shift()?.();
    return original.stat(path);
  };
  return { ...original, stat };
});

it("does not touch a lock that was made after it had looked at one that is stale", async () => {
  const folder = mkdtempSync(join(tmpdir(), "udpchat-lock-"));
  const lock = join(folder, "trust.json.lock");
  writeFileSync(lock, `${process.pid} 0123 ${hostname()}`);
  let changedAtMs = 0;
  const afterMs: number[] = [];
  looks.push(
    () => {
      rmSync(lock);
      writeFileSync(lock, `${process.ppid} 4567 ${hostname()}`);
      changedAtMs = statSync(lock).ctimeMs;
    },
    () => {
      // Moved away and back again it would be another moment, in which it is nobody's.
      afterMs.push(statSync(lock).ctimeMs);
      rmSync(lock);
    },
  );
  expect(await withFileLock(lock, async () => "mine")).toBe("mine");
  expect(afterMs).toEqual([changedAtMs]);
  rmSync(folder, { recursive: true });
});
