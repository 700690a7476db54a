import type { ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { daemonAnswers } from "../../src/api/client.js";
import type { Api } from "../../src/api/operations.js";
import { pathsOf } from "../../src/store/paths.js";
import type { LanUser } from "../support/lanUsers.js";
import { type LeakKind, spawnProbed } from "./probed.js";
import { figuresOf, type ProbeLine, type Sample, type Tallies } from "./sample.js";

const POLL_MS = 50;
/** A daemon that is not ready by then never will be. */
const START_LIMIT_MS = 60_000;

export interface SoakHostOptions {
  readonly index: number;
  readonly user: LanUser;
  /** Never restarted. */
  readonly isSteady: boolean;
  /** Of the built program. */
  readonly bin: string;
  readonly leak?: LeakKind | undefined;
  /** Minutes since the load began. */
  readonly minute: () => number;
}

export interface Restart {
  readonly minute: number;
  readonly how: "SIGTERM" | "SIGKILL";
}

/** A host with a daemon that is looked at from inside, over all its starts. */
export class SoakHost {
  readonly index: number;
  readonly user: LanUser;
  readonly isSteady: boolean;
  /** Device id, once the daemon was up. */
  id = "";
  /** Bounded by the length of the run, as all that follow. */
  readonly samples: Sample[] = [];
  readonly restarts: Restart[] = [];
  /** Ends that nobody asked for. */
  readonly accidents: string[] = [];
  /** What its last status said. */
  tallies: Tallies | undefined;
  readonly #options: SoakHostOptions;
  readonly #logFile: string;
  #daemon: ChildProcess | undefined;
  #life = 0;
  #before: { readonly line: ProbeLine; readonly atMs: number } | undefined;

  constructor(options: SoakHostOptions) {
    this.#options = options;
    this.index = options.index;
    this.user = options.user;
    this.isSteady = options.isSteady;
    this.#logFile = join(dirname(options.user.home), `${options.user.name}.log`);
  }

  get name(): string {
    return this.user.name;
  }

  get api(): Api {
    return this.user.api;
  }

  get isUp(): boolean {
    return this.#daemon !== undefined;
  }

  /** Resolves when the daemon answers. */
  async start(): Promise<void> {
    const { user, bin, leak } = this.#options;
    const log = openSync(this.#logFile, "a");
    this.#before = undefined;
    const child = spawnProbed([bin, "daemon"], {
      prefix: ["ip", "netns", "exec", user.host.namespace],
      env: { UDPCHAT_HOME: user.home, UDPCHAT_NAME: user.name, NO_COLOR: "1" },
      log,
      folder: dirname(this.#logFile),
      leak,
      onLine: (line) => void this.#look(line),
    });
    closeSync(log);
    this.#daemon = child;
    child.once("exit", (code, signal) => {
      if (this.#daemon !== child) return;
      this.#daemon = undefined;
      this.accidents.push(`the daemon of ${this.name} ended by itself: ${signal ?? code}`);
    });
    const endMs = performance.now() + START_LIMIT_MS;
    while (!(await daemonAnswers(pathsOf(user.home).socket))) {
      if (this.#daemon === undefined || performance.now() > endMs) {
        throw new Error(`the daemon of ${this.name} did not start: see ${this.#logFile}`);
      }
      await delay(POLL_MS);
    }
    if (this.id === "") this.id = (await this.api.call("id", {})).id;
  }

  /** Ends the daemon with this signal; resolves when it has ended. */
  async stop(how: Restart["how"]): Promise<void> {
    const child = this.#daemon;
    if (child === undefined) return;
    this.#daemon = undefined;
    this.#life += 1;
    this.restarts.push({ minute: this.#options.minute(), how });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(how);
    await ended;
  }

  /** Ends the daemon without a word; resolves when it has ended. */
  async dispose(): Promise<void> {
    await this.stop("SIGKILL");
  }

  /** All log lines, of all starts, from `error` on (pino's levels). */
  get complaints(): string[] {
    const lines = readFileSync(this.#logFile, "utf8").split("\n");
    return lines.filter((line) => line !== "" && !/"level":[1-4]0/.test(line));
  }

  async #look(line: ProbeLine): Promise<void> {
    const [life, atMs, before] = [this.#life, performance.now(), this.#before];
    const minute = this.#options.minute();
    this.#before = { line, atMs };
    const earlier =
      before === undefined ? undefined : { line: before.line, elapsedMs: atMs - before.atMs };
    const figures = figuresOf(line, await this.#databaseBytes(), earlier);
    this.samples.push({ minute, life, figures });
    try {
      const { usage, counters } = await this.api.call("status", {});
      this.tallies = { usage, counters };
    } catch {
      // It is being restarted.
    }
  }

  async #databaseBytes(): Promise<number> {
    const { databaseFile } = pathsOf(this.user.home);
    const files = ["", "-wal", "-shm"].map((end) => `${databaseFile}${end}`);
    const sizes = await Promise.all(
      files.map(async (file) => (await stat(file).catch(() => undefined))?.size ?? 0),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  }
}
