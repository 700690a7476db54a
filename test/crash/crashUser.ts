import { setTimeout as delay } from "node:timers/promises";
import { connectApi, daemonAnswers } from "../../src/api/client.js";
import type { EventLine } from "../../src/api/lines.js";
import type { Api } from "../../src/api/operations.js";
import { UdpchatError } from "../../src/errors.js";
import { pathsOf } from "../../src/store/paths.js";
import type { CliWorld, RunningCommand } from "../support/cliWorld.js";

const POLL_MS = 10;
/** A daemon that is not ready by then never will be. */
const START_LIMIT_MS = 30_000;
const RESUME_MS = 30;

/** Somebody whose daemon is killed again and again, and who starts it again. */
export class CrashUser {
  readonly name: string;
  readonly api: Api;
  /** Device id, once the daemon was up. */
  id = "";
  kills = 0;
  readonly #world: CliWorld;
  readonly #socket: string;
  readonly #port: number;
  #daemon: RunningCommand | undefined;
  readonly #following = new AbortController();
  #followed: Promise<void> = Promise.resolve();

  /** `port`: of its data socket at every start; 0 for another one each time. */
  constructor(world: CliWorld, name: string, port: number) {
    this.#world = world;
    this.name = name;
    this.#port = port;
    this.#socket = pathsOf(world.home(name)).socket;
    this.api = connectApi(this.#socket);
  }

  /** Starts the daemon and does not wait for it. */
  spawn(): void {
    this.#daemon = this.#world.spawn(this.name, "daemon", "--port", String(this.#port));
  }

  /** Resolves when the daemon answers. */
  async ready(): Promise<void> {
    const endMs = performance.now() + START_LIMIT_MS;
    let ended: number | undefined;
    void this.#daemon?.ended().then((code) => (ended = code));
    while (!(await daemonAnswers(this.#socket))) {
      if (ended !== undefined || performance.now() > endMs) {
        throw new Error(`the daemon of ${this.name} did not start (${ended}): ${this.lastWords}`);
      }
      await delay(POLL_MS);
    }
    if (this.id === "") this.id = (await this.api.call("id", {})).id;
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.kills += 1;
    this.#daemon?.kill("SIGKILL");
    const code = await this.#daemon?.ended();
    // It had ended of itself, which nobody asked for.
    if (code !== undefined && code >= 0) throw new Error(`${this.name} ended: ${this.lastWords}`);
  }

  /** The end of the log of this start. */
  get lastWords(): string {
    return this.#daemon?.stderr.slice(-2000) ?? "";
  }

  /** All log lines of this start from `error` on (pino's levels). */
  get complaints(): string[] {
    const lines = this.#daemon?.stderr.split("\n") ?? [];
    return lines.filter((line) => /"level":[56]0/.test(line));
  }

  /** Follows the events over all starts, as a program does that resumes. */
  follow(onLine: (line: EventLine) => void): void {
    const signal = this.#following.signal;
    const api = connectApi(this.#socket, { resumeEvents: true, resumeDelayMs: RESUME_MS });
    this.#followed = (async () => {
      for await (const line of api.stream("events", {}, { signal })) onLine(line);
    })().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    // It is awaited at the end.
    this.#followed.catch(() => undefined);
  }

  async endFollowing(): Promise<void> {
    this.#following.abort();
    await this.#followed;
  }
}

/** The daemon does not run, or went away during the call. */
export function isAway(error: unknown): boolean {
  return error instanceof UdpchatError && error.code === "DAEMON_NOT_RUNNING";
}
