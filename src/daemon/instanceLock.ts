import { lstat, rename, rm } from "node:fs/promises";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { daemonAnswers } from "../api/client.js";
import { errnoOf, UdpchatError } from "../errors.js";
import { createFile } from "../store/atomicFile.js";
import type { Paths } from "../store/paths.js";
import { isAlive, readPid } from "../store/pidFile.js";
import { makeFolder, makePrivateFolder } from "../store/privateFolder.js";

export type LockPaths = Pick<Paths, "home" | "pidFile" | "socket" | "socketFolder">;

/** A live process that does not answer may be starting or stopping for this long. */
const SETTLE_MS = 3000;
const POLL_MS = 50;

/**
 * One daemon for each home. The socket is what counts: whoever answers there runs. The pid file
 * decides between two that start at once, and names the process. (Model: wireguard-go
 * `ipc/uapi_unix.go`, which probes a socket before it unlinks it.)
 */
export class InstanceLock {
  readonly #paths: LockPaths;

  private constructor(paths: LockPaths) {
    this.#paths = paths;
  }

  /**
   * Resolves when no other daemon runs and none can start; the socket's path is then free.
   * @throws UdpchatError DAEMON_RUNNING, HOME_UNUSABLE
   */
  static async acquire(paths: LockPaths): Promise<InstanceLock> {
    await makeFolder(paths.home);
    if (paths.socketFolder !== undefined && paths.socketFolder !== paths.home) {
      await makePrivateFolder(paths.socketFolder);
    }
    await takePidFile(paths).catch((cause: unknown) => {
      if (cause instanceof UdpchatError) throw cause;
      throw new UdpchatError("HOME_UNUSABLE", `can't use ${paths.pidFile}`, {
        cause,
        remedy: "check its permissions, or choose another folder with --home",
      });
    });
    const lock = new InstanceLock(paths);
    try {
      await lock.#clearSocket();
    } catch (error) {
      await lock.release();
      throw error;
    }
    return lock;
  }

  /** Once the socket is bound: throws DAEMON_RUNNING if another one took the lock meanwhile. */
  async assertHeld(): Promise<void> {
    const holder = await readPid(this.#paths.pidFile);
    if (holder !== process.pid) throw running(this.#paths.home, holder);
  }

  async release(): Promise<void> {
    if ((await readPid(this.#paths.pidFile)) !== process.pid) return;
    await rm(this.#paths.pidFile, { force: true });
  }

  async #clearSocket(): Promise<void> {
    const { home, socket, socketFolder } = this.#paths;
    if (await daemonAnswers(socket)) throw running(home, undefined);
    // A named pipe ends with its process; nothing is left to clear.
    if (socketFolder === undefined) return;
    const found = await lstat(socket).catch((error: unknown) => {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw error;
    });
    if (found === undefined) return;
    if (!found.isSocket()) {
      throw new UdpchatError("HOME_UNUSABLE", `${socket} is in the way: it is no socket`, {
        remedy: "move it away",
      });
    }
    await rm(socket, { force: true });
  }
}

async function takePidFile({ home, pidFile, socket }: LockPaths): Promise<void> {
  let waitedMs = 0;
  while (!(await createFile(pidFile, `${process.pid}\n`))) {
    const holder = await readPid(pidFile);
    if (await daemonAnswers(socket)) throw running(home, holder);
    const mayAnswerYet = holder !== undefined && holder !== process.pid && isAlive(holder);
    if (mayAnswerYet && waitedMs < SETTLE_MS) {
      await delay(POLL_MS);
      waitedMs += POLL_MS;
    } else {
      await discardStale(pidFile, holder);
    }
  }
}

/** Removes the pid file if it is still the stale one: another process may have replaced it. */
async function discardStale(pidFile: string, holder: number | undefined): Promise<void> {
  const aside = `${pidFile}.stale-${process.pid}`;
  try {
    await rename(pidFile, aside);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return;
    throw error;
  }
  const moved = await readPid(aside);
  if (moved !== holder && moved !== undefined) await createFile(pidFile, `${moved}\n`);
  await rm(aside, { force: true });
}

function running(home: string, pid: number | undefined): UdpchatError {
  const who = pid === undefined ? "a daemon" : `a daemon with process id ${pid}`;
  return new UdpchatError("DAEMON_RUNNING", `${who} already uses ${home}`, {
    remedy: "stop it with: udpchat stop, or choose another folder with --home",
  });
}
