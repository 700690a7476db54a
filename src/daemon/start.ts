import { type ChildProcess, spawn } from "node:child_process";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";
import * as v from "valibot";
import type { StatusLine } from "../api/lines.js";
import { isErrorCode, UdpchatError } from "../errors.js";
import { makeFolder } from "../store/privateFolder.js";
import { StartReportSchema } from "./parent.js";

export interface StartOptions {
  /** Absolute path of the script that runs the daemon in the foreground. */
  readonly script: string;
  readonly args: readonly string[];
  /**
   * What Node itself says at its end is appended to it; made readable for this user only. The
   * daemon opens it on its own.
   */
  readonly logFile: string;
  /** Default 10,000. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * glibc gives threads heaps of their own (mallopt(3), M_ARENA_MAX). One of a daemon's ten threads
 * works; what the others keep for themselves is a fifteenth of its memory.
 */
export const ONE_HEAP = { MALLOC_ARENA_MAX: "1" };

/**
 * Starts a daemon in the background, on the same Node. Resolves with its status when it is ready;
 * rejects with the very error that it had.
 */
export async function startDaemon(options: StartOptions): Promise<StatusLine> {
  await makeFolder(dirname(options.logFile));
  const log = await open(options.logFile, "a", 0o600).catch((cause: unknown) => {
    throw new UdpchatError("HOME_UNUSABLE", `can't write ${options.logFile}`, {
      cause,
      remedy: "check its permissions, or choose another folder with --home",
    });
  });
  try {
    const child = spawn(process.execPath, [options.script, ...options.args], {
      detached: true,
      windowsHide: true,
      env: { ...ONE_HEAP, ...process.env },
      stdio: ["ignore", log.fd, log.fd, "ipc"],
    });
    return await reportOf(child, options);
  } finally {
    await log.close();
  }
}

function reportOf(child: ChildProcess, options: StartOptions): Promise<StatusLine> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const remedy = `read ${options.logFile}`;
  return new Promise<StatusLine>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill();
      reject(
        new UdpchatError("INTERNAL", `the daemon was not ready after ${timeoutMs} ms`, { remedy }),
      );
    }, timeoutMs);
    child.once("message", (message) => {
      const report = v.safeParse(StartReportSchema, message);
      if (!report.success) {
        reject(new UdpchatError("INTERNAL", "the daemon's report is not understood", { remedy }));
      } else if ("ready" in report.output) {
        resolve(report.output.ready);
      } else {
        const { code, message: what, remedy: todo } = report.output.error;
        const known = isErrorCode(code) ? code : "INTERNAL";
        reject(new UdpchatError(known, what, todo === null ? {} : { remedy: todo }));
      }
    });
    child.once("error", (cause) => {
      reject(new UdpchatError("INTERNAL", "the daemon could not be started", { cause, remedy }));
    });
    child.once("exit", (code, signal) => {
      const how = signal === null ? `with code ${code ?? 0}` : `by ${signal}`;
      reject(new UdpchatError("INTERNAL", `the daemon ended ${how}`, { remedy }));
    });
    child.once("close", () => clearTimeout(timer));
    child.once("message", () => clearTimeout(timer));
  }).finally(() => {
    // It lives on without us.
    if (child.connected) child.disconnect();
    child.removeAllListeners();
    child.on("error", () => undefined);
    child.unref();
  });
}
