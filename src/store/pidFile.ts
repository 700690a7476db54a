import { connect } from "node:net";
import process from "node:process";
import { errnoOf, UdpchatError } from "../errors.js";
import type { Paths } from "./paths.js";
import { readSmallFile } from "./smallFile.js";

/** A process id and a line end; more than this is something else. */
const MAX_FILE_BYTES = 64;

/** The process id in the file; undefined if there is none. Throws what reading it throws. */
export async function readPid(pidFile: string): Promise<number | undefined> {
  try {
    const text = (await readSmallFile(pidFile, MAX_FILE_BYTES))?.trim() ?? "";
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** True if a process with this id runs, whoever's it is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === "EPERM";
  }
}

/**
 * Resolves unless a daemon in another process uses the home. A daemon writes the pid file before
 * it opens its own messenger. What a killed one left behind names a process that is dead, or one
 * that got its number since; its socket, which it left as well, refuses connections.
 * @throws UdpchatError DAEMON_RUNNING, HOME_UNUSABLE
 */
export async function assertNoOtherDaemon({
  pidFile,
  socket,
}: Pick<Paths, "pidFile" | "socket">): Promise<void> {
  const pid = await readPid(pidFile).catch((cause: unknown) => {
    throw new UdpchatError("HOME_UNUSABLE", `cannot read ${pidFile}`, {
      cause,
      remedy: "check its permissions, or choose another home",
    });
  });
  if (pid === undefined || pid === process.pid || !isAlive(pid)) return;
  if (await refusesConnections(socket)) return;
  throw new UdpchatError("DAEMON_RUNNING", `a daemon (process ${pid}) already uses this home`, {
    remedy: `talk to it, or open with another home; if that is no daemon, remove ${pidFile}`,
  });
}

/** False for a socket that does not exist: a daemon that starts has none yet. */
function refusesConnections(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", (error) => resolve(errnoOf(error) === "ECONNREFUSED"));
  });
}
