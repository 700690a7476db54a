import { execFile } from "node:child_process";
import process from "node:process";
import { errnoOf } from "../../errors.js";

/** What a command of the system said, or why it said nothing. */
export type CommandOutcome =
  | { readonly ok: true; readonly output: string }
  /** `missing`: there is no such program. `denied`: it wants another user. */
  | { readonly ok: false; readonly why: "missing" | "denied" | "failed" };

/** Runs a command that only reads, without a shell. Arguments are ours alone. */
export type RunCommand = (file: string, args: readonly string[]) => Promise<CommandOutcome>;

const TIMEOUT_MS = 4_000;
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
/** Where tools of the administrator are; users' PATHs often lack them. */
const SYSTEM_FOLDERS = "/usr/sbin:/sbin";
const DENIED = /not permitted|permission denied|must be root|be root|authoriz|access is denied/i;

/** On this machine, in the language that is parsed. */
export const runCommand: RunCommand = (file, args) =>
  new Promise((resolve) => {
    const env: NodeJS.ProcessEnv = { ...process.env, LC_ALL: "C" };
    if (process.platform !== "win32") env["PATH"] = `${env["PATH"] ?? ""}:${SYSTEM_FOLDERS}`;
    const options = {
      env,
      timeout: TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
      windowsHide: true,
      encoding: "utf8",
    } as const;
    execFile(file, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve({ ok: true, output: stdout });
      else if (errnoOf(error) === "ENOENT") resolve({ ok: false, why: "missing" });
      else resolve({ ok: false, why: isDenied(error, stdout + stderr) ? "denied" : "failed" });
    });
  });

function isDenied(error: Error, said: string): boolean {
  return errnoOf(error) === "EACCES" || errnoOf(error) === "EPERM" || DENIED.test(said);
}
