/** Programs of the user that the daemon runs for what happens. */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { EventLine, MessageLine, PresenceLine } from "../api/lines.js";
import { homeEnvironment, lineEnvironment } from "../programs/environment.js";
import { runProgram } from "../programs/program.js";
import { WorkQueue } from "../programs/workQueue.js";

/**
 * A program and its arguments for each kind of event. Not a line for a shell: what others write is
 * in the environment and on standard input alone, and nothing has to be quoted.
 */
export interface HookPrograms {
  readonly message?: readonly string[];
  readonly presence?: readonly string[];
}

/** What can change while they run. */
export interface HookSettings {
  readonly programs: HookPrograms;
  /** Leave out what others than verified peers do. */
  readonly requireVerified: boolean;
}

export interface HooksOptions {
  /** For a `udpchat` that they run; undefined: the default one. */
  readonly home: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/** Of each kind, one runs at a time; what does not find room is counted and left out. */
const MAX_WAITING = 100;
const TIME_LIMIT_MS = 60_000;
/** From one start to the next: whoever writes fast does not make us start programs as fast. */
const INTERVAL_MS = 100;

/** Runs them until it is closed. */
export class Hooks {
  readonly #message: Hook;
  readonly #presence: Hook;
  readonly #closing = new AbortController();
  #settings: HookSettings;

  constructor(settings: HookSettings, options: HooksOptions) {
    this.#settings = settings;
    this.#message = new Hook("message", options, this.#closing.signal);
    this.#presence = new Hook("presence", options, this.#closing.signal);
  }

  /** From the next event on. */
  change(settings: HookSettings): void {
    this.#settings = settings;
  }

  /** Late lines run none: they may be thousands, and are no news. */
  take(line: EventLine): void {
    const { message, presence } = this.#settings.programs;
    if (line.type === "message" && !line.late && this.#isWanted(line.from)) {
      this.#message.take(message, line, line.text);
    } else if (line.type === "presence" && this.#isWanted(line.peer)) {
      this.#presence.take(presence, line, "");
    }
  }

  /** Ends those that run. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#message.closed(), this.#presence.closed()]);
  }

  #isWanted({ trust }: { readonly trust: string | null }): boolean {
    return !this.#settings.requireVerified || trust === "verified";
  }
}

/** One of them. */
class Hook {
  readonly #kind: keyof HookPrograms;
  readonly #options: HooksOptions;
  readonly #signal: AbortSignal;
  readonly #queue = new WorkQueue({ concurrency: 1, maxWaiting: MAX_WAITING });
  /** Since the last that ran. */
  #leftOut = 0;

  constructor(kind: keyof HookPrograms, options: HooksOptions, signal: AbortSignal) {
    this.#kind = kind;
    this.#options = options;
    this.#signal = signal;
  }

  /** Nothing if no program is named. */
  take(argv: readonly string[] | undefined, line: MessageLine | PresenceLine, input: string): void {
    if (argv === undefined) return;
    if (!this.#queue.offer(() => this.#run(argv, line, input))) this.#leftOut += 1;
  }

  /** The signal has ended what ran. */
  async closed(): Promise<void> {
    await this.#queue.idle();
    this.#tellLeftOut("the daemon ends");
  }

  #tellLeftOut(why: string): void {
    if (this.#leftOut === 0) return;
    const { logger } = this.#options;
    logger.warn({ hook: this.#kind, count: this.#leftOut }, `hook not run: ${why}`);
    this.#leftOut = 0;
  }

  async #run(
    argv: readonly string[],
    line: MessageLine | PresenceLine,
    input: string,
  ): Promise<void> {
    const { env, home, logger } = this.#options;
    const hook = this.#kind;
    if (this.#signal.aborted) {
      this.#leftOut += 1;
      return;
    }
    this.#tellLeftOut("too much happened at once");
    const pause = delay(INTERVAL_MS, undefined, { signal: this.#signal }).catch(() => undefined);
    const end = await runProgram(
      { argv },
      {
        input,
        env: { ...env, ...homeEnvironment(home), ...lineEnvironment(line) },
        signal: this.#signal,
        timeLimitMs: TIME_LIMIT_MS,
      },
    );
    if (end.kind !== "done" && !this.#signal.aborted) {
      logger.warn({ hook, program: argv[0], reason: end.reason }, "hook failed");
    }
    await pause;
  }
}
