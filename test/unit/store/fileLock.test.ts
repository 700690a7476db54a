import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
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

/** As if another process had made the lock `ageMs` ago. */
async function leaveBehind(ageMs: number, content = "of somebody"): Promise<void> {
  await writeFile(lock, content);
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

it.each([
  ["of this host that is dead", () => `${deadPid()} 0123 ${hostname()}`],
  ["that had our process id, in a container", () => `${process.pid} 0123 ${hostname()}`],
])("breaks the fresh lock of a process %s at once", async (_, content) => {
  await leaveBehind(0, content());
  expect(await withFileLock(lock, async () => "mine")).toBe("mine");
  expect(await readdir(folder)).toEqual([]);
});

it("breaks one that says nothing in time for whoever waits", async () => {
  await leaveBehind(0, "");
  expect(await withFileLock(lock, async () => "mine")).toBe("mine");
});

it("waits in vain for one that is in use, and does not touch it", async () => {
  const held = [
    `${process.ppid} 0123 ${hostname()}`,
    `${deadPid()} 0123 not-${hostname()}`,
    "of somebody",
  ];
  const inVain = held.map(async (content, i) => {
    const path = `${lock}${i}`;
    await writeFile(path, content);
    await expect(withFileLock(path, async () => "never")).rejects.toMatchObject({
      code: "HOME_UNUSABLE",
      message: expect.stringContaining("another process holds"),
    });
    expect(await readFile(path, "utf8")).toBe(content);
  });
  await Promise.all(inVain);
});

/** Of a process that ran and has ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ["--version"]).pid;
}

it("leaves the lock of another process alone that took it over meanwhile", async () => {
  await withFileLock(lock, () => writeFile(lock, "of somebody"));
  expect(await readFile(lock, "utf8")).toBe("of somebody");
});
