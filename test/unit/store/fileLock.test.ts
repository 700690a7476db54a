import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withFileLock } from "../../../src/store/fileLock.js";

let folder: string;
let lock: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "udpchat-lock-"));
  lock = join(folder, "trust.json.lock");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** As if a process had died with the lock `ageMs` ago. */
async function leaveBehind(ageMs: number): Promise<void> {
  await writeFile(lock, "of a dead process");
  const at = new Date(Date.now() - ageMs);
  await utimes(lock, at, at);
}

it("lets one in at a time, and leaves nothing behind", async () => {
  let inside = 0;
  let most = 0;
  const results = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      withFileLock(lock, async () => {
        inside += 1;
        most = Math.max(most, inside);
        await delay(1);
        inside -= 1;
        return index;
      }),
    ),
  );
  expect(most).toBe(1);
  expect(results).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(await readdir(folder)).toEqual([]);
});

it("is given back when the step fails", async () => {
  const failing = withFileLock(lock, () => Promise.reject(new Error("full disk")));
  await expect(failing).rejects.toThrow("full disk");
  expect(await withFileLock(lock, async () => "next")).toBe("next");
});

it.each([
  ["left", 60_000],
  ["left before the clock was set back", -60_000],
])("breaks a lock that a killed process %s, for one at a time", async (_, ageMs) => {
  await leaveBehind(ageMs);
  let inside = 0;
  await Promise.all(
    Array.from({ length: 6 }, () =>
      withFileLock(lock, async () => {
        inside += 1;
        await delay(1);
        expect(inside).toBe(1);
        inside -= 1;
      }),
    ),
  );
  expect(await readdir(folder)).toEqual([]);
});

it("waits in vain for one that is in use, and does not touch it", async () => {
  await leaveBehind(0);
  await expect(withFileLock(lock, async () => "never")).rejects.toMatchObject({
    code: "HOME_UNUSABLE",
    message: expect.stringContaining("another process holds"),
  });
  expect(await readFile(lock, "utf8")).toBe("of a dead process");
});
