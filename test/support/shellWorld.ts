import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { BIN, CliWorld, eventually, RunningCommand } from "./cliWorld.js";
import { isRunning } from "./processes.js";

/** False where a shell or one of these programs is not there; what needs them is skipped aloud. */
export function hasShellWith(what: string, ...programs: readonly string[]): boolean {
  const missing = ["bash", "setsid", ...programs].find(
    (program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0,
  );
  if (missing !== undefined) process.stderr.write(`${what} (SKIPPED: there is no ${missing})\n`);
  return missing === undefined;
}

/** Users on the loopback interface who type lines into a shell, in which `udpchat` is the program. */
export class ShellWorld {
  readonly world = new CliWorld();
  readonly #bin = join(this.world.folder, "bin");
  readonly #lines: ShellLine[] = [];

  constructor() {
    mkdirSync(this.#bin);
    // It notes its process id, so that it alone can be interrupted.
    const text = `#!/bin/sh\necho $$ >> "$RUNNING"\nexec "${process.execPath}" "${BIN}" "$@"\n`;
    writeFileSync(join(this.#bin, "udpchat"), text);
    chmodSync(join(this.#bin, "udpchat"), 0o755);
  }

  /** The folder in which a user types, which is his home for the shell. */
  folder(user: string): string {
    const folder = join(this.world.folder, `of-${user}`);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** One or more lines of shell, left running. A pipeline fails if any part of it does. */
  type(user: string, text: string): ShellLine {
    const folder = this.folder(user);
    const running = join(this.world.folder, `running-${this.#lines.length}`);
    const line = new ShellLine(text, running, {
      ...this.world.environment(user),
      HOME: folder,
      PATH: `${this.#bin}:${process.env["PATH"] ?? ""}`,
      RUNNING: running,
    });
    this.#lines.push(line);
    return line;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#lines.map((line) => line.killAll()));
    await this.world.dispose();
  }
}

/** What was typed, with all that it started, in a process group. */
export class ShellLine extends RunningCommand {
  readonly #running: string;

  /** `running`: the file in which each `udpchat` of the line notes its process id. */
  constructor(text: string, running: string, env: Record<string, string>) {
    super(["bash", "-o", "pipefail", "-c", `cd && ${text}`], env, "setsid");
    this.#running = running;
  }

  /** Ctrl-C for `udpchat` alone, so that the rest of its pipeline reads to the end. */
  async interrupt(): Promise<void> {
    const pids = existsSync(this.#running) ? readFileSync(this.#running, "utf8") : "";
    for (const pid of pids.trim().split("\n").map(Number)) {
      if (pid > 0 && isRunning(pid)) process.kill(pid, "SIGINT");
      await eventually(
        () => !isRunning(pid),
        () => `process ${pid} to end`,
      );
    }
  }

  /** The end of all of it. */
  async killAll(): Promise<void> {
    try {
      if (this.pid !== undefined) process.kill(-this.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
    await this.ended();
  }
}
