import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describeUnless } from "./describeUnless.js";

/** Of `unshare`. Root needs no user namespace of its own for a mount of its own. */
export const OWN_MOUNTS = process.getuid?.() === 0 ? ["--mount"] : ["--map-root-user", "--mount"];

/** Why this machine gives us no disk; undefined if it does. */
function whyNoDisk(): string | undefined {
  if (process.platform !== "linux") return "not Linux";
  const mountPoint = mkdtempSync(join(tmpdir(), "udpchat-probe-"));
  try {
    const mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "udpchat", mountPoint];
    const { status, stderr, error } = spawnSync("unshare", [...OWN_MOUNTS, ...mount]);
    return status === 0 ? undefined : (error?.message ?? stderr.toString().trim());
  } finally {
    rmSync(mountPoint, { recursive: true });
  }
}

/** A suite that needs disks of its own; where there can be none it is skipped, and says why. */
export function describeOnSmallDisk(name: string, suite: () => void): void {
  describeUnless(whyNoDisk(), name, suite);
}
