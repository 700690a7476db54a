import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { CliResult } from "./cliInProcess.js";
import { BIN, RunningCommand } from "./cliWorld.js";
import { describeUnless } from "./describeUnless.js";
import { ShellSession } from "./shellSession.js";

/**
 * A machine of its own, as far as systemd can see: no process, network or cgroup but its own, and
 * what root is there it is everywhere. Whatever runs in it ends with its first process.
 */
const OWN_MACHINE = ["--mount", "--net", "--cgroup", "--pid", "--fork", "--kill-child"];
const SHELL = [...OWN_MACHINE, "--mount-proc", "sh"];
/** Debian's and Fedora's place. */
const MANAGER = "/usr/lib/systemd/systemd";

/** Starts a user's manager, and waits until it answers. */
const BOOT = `
  mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system /run/user/0 && chmod 700 /run/user/0
  ip link set lo up
  export XDG_RUNTIME_DIR=/run/user/0 XDG_CONFIG_DIRS=/run/none
  unset DBUS_SESSION_BUS_ADDRESS XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME
  ${MANAGER} --user --unit=basic.target > /run/manager.log 2>&1 &
  waited=0
  while ! systemctl --user show-environment > /dev/null 2>&1 && [ $waited -lt 50 ]; do
    waited=$((waited + 1)); sleep 0.1
  done`;

/** Why this machine gives us none; undefined if it does. */
function whyNoSystemd(): string | undefined {
  if (process.platform !== "linux") return "not Linux";
  if (process.getuid?.() !== 0) return "not root";
  const home = mkdtempSync(join(tmpdir(), "udpchat-probe-"));
  try {
    const input = `${BOOT}\nsystemctl --user show-environment > /dev/null || cat /run/manager.log >&2\n`;
    const env = { ...process.env, HOME: home };
    const probe = spawnSync("unshare", SHELL, { input, env, encoding: "utf8" });
    return probe.error?.message ?? (probe.stderr.trim() === "" ? undefined : probe.stderr.trim());
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** A suite on a systemd of its own; where there can be none it is skipped, and says why. */
export function describeOnSystemd(name: string, suite: () => void): void {
  describeUnless(whyNoSystemd(), name, suite);
}

/** A user's systemd, and a shell in its session. */
export class UserSystemd {
  /** The user's own folder; removed at the end. */
  readonly folder: string;
  readonly #shell: ShellSession;

  /** @param folderName of the user's folder */
  constructor(folderName: string) {
    this.folder = mkdtempSync(join(tmpdir(), folderName));
    const shell = new RunningCommand(SHELL, { HOME: this.folder }, "unshare");
    shell.type(`${BOOT}\n`);
    shell.type(`udpchat() { ${process.execPath} ${BIN} "$@"; }\n`);
    this.#shell = new ShellSession(shell);
  }

  run(command: string): Promise<CliResult> {
    return this.#shell.run(command);
  }

  async dispose(): Promise<void> {
    await this.#shell.end("systemctl --user exit; sleep 0.2");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
