import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { pathsOf } from "../../src/store/paths.js";
import type { CliResult } from "./cliInProcess.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const BIN = join(ROOT, "bin/udpchat.js");
const WAIT_MS = 10_000;
const POLL_MS = 20;

/** Bundles the program from the sources as they are. */
export async function buildBin(): Promise<void> {
  const build = new RunningCommand([join(ROOT, "rolldown.config.mjs")], {});
  if ((await build.ended()) !== 0) throw new Error(build.stderr);
}

/** Homes of several users on the loopback interface, on a network of their own. */
export class CliWorld {
  readonly folder = mkdtempSync(join(tmpdir(), "udpchat-cli-"));
  /** Nobody else is heard there. */
  readonly discoveryPort = 20_000 + Math.floor(Math.random() * 12_000);
  /** Of every command, beyond what keeps it in this world. */
  readonly #env: Readonly<Record<string, string>>;
  readonly #running: RunningCommand[] = [];
  readonly #homes = new Set<string>();

  constructor(env: Readonly<Record<string, string>> = {}) {
    this.#env = env;
  }

  home(user: string): string {
    return join(this.folder, user);
  }

  /** What makes any command one of this user. */
  environment(user: string): Record<string, string> {
    this.#homes.add(this.home(user));
    return {
      UDPCHAT_HOME: this.home(user),
      UDPCHAT_NAME: user,
      UDPCHAT_PORT: "0",
      UDPCHAT_DISCOVERY_PORT: String(this.discoveryPort),
      UDPCHAT_INTERFACE: "lo",
      ...this.#env,
    };
  }

  /** A command of a user, left running. */
  spawn(user: string, ...argv: string[]): RunningCommand {
    const command = new RunningCommand([BIN, ...argv], this.environment(user));
    this.#running.push(command);
    return command;
  }

  /** A command with its standard input ended. */
  async run(user: string, ...argv: string[]): Promise<CliResult> {
    const command = this.spawn(user, ...argv);
    command.endInput("");
    return { code: await command.ended(), stdout: command.stdout, stderr: command.stderr };
  }

  /** Ends whatever still runs and removes the homes. */
  async dispose(): Promise<void> {
    for (const command of this.#running) command.kill("SIGKILL");
    for (const home of this.#homes) killDaemon(home);
    await Promise.all(this.#running.map((command) => command.ended()));
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Ends the daemon of a home without a goodbye. */
export function killDaemon(home: string): void {
  const { pidFile } = pathsOf(home);
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, "utf8"));
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** A process of the program. */
export class RunningCommand {
  stdout = "";
  stderr = "";
  /** Called with what it prints on standard output, as it comes. */
  onStdout: (text: string) => void = () => undefined;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number>;

  constructor(
    argv: readonly string[],
    env: Record<string, string>,
    command: string = process.execPath,
  ) {
    // The settings of whoever runs the tests stay out.
    const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith("UDPCHAT_"));
    this.#child = spawn(command, [...argv], {
      env: { ...Object.fromEntries(inherited), NO_COLOR: "1", ...env },
      cwd: ROOT,
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      this.onStdout(text);
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.#child.stdin?.on("error", () => undefined);
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", (code, signal) => resolve(code ?? (signal === null ? -1 : -2)));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The exit code; -2 if a signal ended it. */
  ended(): Promise<number> {
    return this.#ended;
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  endInput(text: string | Uint8Array): void {
    this.#child.stdin?.end(text);
  }

  closeStdout(): void {
    this.#child.stdout?.destroy();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until it has printed something that matches. */
  async prints(pattern: RegExp, patienceMs = WAIT_MS): Promise<void> {
    await eventually(
      () => pattern.test(this.stdout) || pattern.test(this.stderr),
      () => `${pattern} in\n${this.stdout}\n--- stderr:\n${this.stderr}`,
      patienceMs,
    );
  }
}

/** Waits until it is true; throws with what it waited for if that takes too long. */
export async function eventually(
  isTrue: () => boolean | Promise<boolean>,
  what: () => string,
  patienceMs = WAIT_MS,
): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!(await isTrue())) {
    if (performance.now() >= endMs) throw new Error(`waited in vain for ${what()}`);
    await delay(POLL_MS);
  }
}
