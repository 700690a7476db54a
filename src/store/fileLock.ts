import { randomBytes } from "node:crypto";
import { link, open, readFile, rename, rm, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { errnoOf, UdpchatError } from "../errors.js";

/** How long others may keep us waiting. */
const PATIENCE_MS = 2000;
/** A step under the lock takes milliseconds: a lock this old was left behind. */
const STALE_MS = 5000;
const RETRY_MS = 20;

/**
 * Runs a short step while no other process, and no other call, holds the lock file at `path`.
 * A lock that a killed process left behind is broken after some seconds.
 * @throws UdpchatError HOME_UNUSABLE if the others do not end in time, and what `step` throws
 */
export async function withFileLock<T>(path: string, step: () => Promise<T>): Promise<T> {
  const token = randomBytes(16).toString("hex");
  await acquire(path, token);
  try {
    return await step();
  } finally {
    // One that was taken for stale is another's by now.
    if ((await contentOf(path)) === token) await rm(path, { force: true });
  }
}

async function acquire(path: string, token: string): Promise<void> {
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  while (!(await create(path, token))) {
    if (await breakStale(path)) continue;
    if (performance.now() >= giveUpAtMs) {
      throw new UdpchatError("HOME_UNUSABLE", `another process holds ${path}`, {
        remedy: "try again; if no udpchat runs in that home, remove the file",
      });
    }
    // Unequal pauses: those who wait do not come back together.
    await delay(RETRY_MS * (0.5 + Math.random()));
  }
}

/** False if somebody else has it. */
async function create(path: string, token: string): Promise<boolean> {
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(token);
    } catch (error) {
      // On a full disk: an empty one would be in the way of others until it is stale.
      await rm(path, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    // Windows says EPERM while a removed file is still open somewhere.
    if (errnoOf(error) === "EEXIST" || errnoOf(error) === "EPERM") return false;
    throw error;
  }
}

/**
 * True if a stale lock is out of the way. Between look and removal another process may have broken
 * it and made its own: what was moved aside is looked at again, and put back if it was that.
 */
async function breakStale(path: string): Promise<boolean> {
  const seen = await contentOf(path);
  const ageMs = await ageMsOf(path);
  if (seen === undefined || ageMs === undefined || ageMs < STALE_MS) return false;
  const aside = `${path}.${randomBytes(6).toString("hex")}.stale`;
  try {
    await rename(path, aside);
  } catch {
    return false; // somebody else was quicker
  }
  const moved = await contentOf(aside);
  if (moved !== seen) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  return moved === seen;
}

async function contentOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

async function ageMsOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    // The clock may have been set back meanwhile.
    ({ mtimeMs }) => Math.abs(Date.now() - mtimeMs),
    () => undefined,
  );
}
