import { execFile } from "node:child_process";
import process from "node:process";

/** A program that takes longer tells nobody any more. */
const TIMEOUT_MS = 5000;

/**
 * Tells systemd that the daemon is ready (sd_notify(3)), if that waits for it. Node has no datagram
 * sockets of the Unix kind: systemd's own program has. Resolves with why that failed, in its own
 * words.
 */
export async function tellReady(status: string): Promise<string | undefined> {
  if ((process.env["NOTIFY_SOCKET"] ?? "") === "") return undefined;
  const args = ["--ready", `--status=${status}`];
  const failure = await new Promise<string | undefined>((resolve) => {
    execFile("systemd-notify", args, { timeout: TIMEOUT_MS }, (error, _stdout, stderr) => {
      resolve(error === null ? undefined : `${error.message} ${stderr}`);
    });
  });
  // What the daemon may start has nothing to say to systemd.
  delete process.env["NOTIFY_SOCKET"];
  return failure;
}
