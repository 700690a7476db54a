import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { link, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { errnoOf, UdpchatError } from "../errors.js";
import { isAlive } from "./pidFile.js";
import { readSmallFile } from "./smallFile.js";

/** How long others may keep us waiting. */
const PATIENCE_MS = 2000;
/** A step under the lock takes milliseconds: a lock this old was left behind. */
const STALE_MS = 5000;
/** One that says nothing: its process was killed in the instant between two system calls. */
const EMPTY_STALE_MS = 200;
const RETRY_MS = 20;
/** A process id, 32 digits and a host name (253 characters at most, RFC 1035 section 2.3.4). */
const MAX_LOCK_BYTES = 512;

/** What our own locks say; bounded by the calls under way. */
const ours = new Set<string>();

/**
 * Runs a short step while no other process, and no other call, holds the lock file at `path`.
 * A lock that a killed process of this host left behind is broken at once, any other one after some
 * seconds.
 * @throws UdpchatError HOME_UNUSABLE if the others do not end in time, and what `step` throws
 */
export async function withFileLock<T>(path: string, step: () => Promise<T>): Promise<T> {
  const content = `${process.pid} ${randomBytes(16).toString("hex")} ${hostname()}`;
  ours.add(content);
  try {
    await acquire(path, content);
    try {
      return await step();
    } finally {
      // One that was taken for stale is another's by now.
      if ((await contentOf(path)) === content) await rm(path, { force: true });
    }
  } finally {
    ours.delete(content);
  }
}

async function acquire(path: string, content: string): Promise<void> {
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  while (!create(path, content)) {
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

/** False if somebody else has it. In one go: whoever is killed should leave none that is empty. */
function create(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    // Windows says EPERM while a removed file is still open somewhere.
    if (errnoOf(error) === "EEXIST" || errnoOf(error) === "EPERM") return false;
    // On a full disk: an empty one would be in the way of others until it is stale.
    if (errnoOf(error) === "ENOSPC") rmSync(path, { force: true });
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
  if (seen === undefined || ageMs === undefined || ageMs < staleAfterMs(seen)) return false;
  const aside = `${path}.${randomBytes(6).toString("hex")}.stale`;
  // In one go: whoever had it may have given it back since, and the next one has it.
  if (!stillSays(path, seen)) return false;
  try {
    renameSync(path, aside);
  } catch {
    return false; // somebody else was quicker
  }
  const moved = await contentOf(aside);
  if (moved !== seen) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  return moved === seen;
}

function staleAfterMs(content: string): number {
  if (content === "") return EMPTY_STALE_MS;
  const [, pid, host] = /^(\d+) [0-9a-f]+ (.+)$/.exec(content) ?? [];
  if (pid === undefined || host !== hostname()) return STALE_MS;
  // In a container the next process may well get the number of the one that was killed.
  const isHeld = Number(pid) === process.pid ? ours.has(content) : isAlive(Number(pid));
  return isHeld ? STALE_MS : 0;
}

/** Undefined if there is none; what is too long is of nobody. */
async function contentOf(path: string): Promise<string | undefined> {
  return readSmallFile(path, MAX_LOCK_BYTES).then(
    (content) => content ?? "too long",
    () => undefined,
  );
}

/** True also of one that is too long, which is of nobody. */
function stillSays(path: string, content: string): boolean {
  try {
    const { size } = statSync(path);
    return size > MAX_LOCK_BYTES || readFileSync(path, "utf8") === content;
  } catch {
    return false;
  }
}

async function ageMsOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    // The clock may have been set back meanwhile.
    ({ mtimeMs }) => Math.abs(Date.now() - mtimeMs),
    () => undefined,
  );
}
