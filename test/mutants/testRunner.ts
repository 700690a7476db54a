import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";

/** What became of the tests of one file. Full names of tests. */
export interface TestOutcome {
  readonly passed: readonly string[];
  /** The run ends with the first of them. */
  readonly failed: readonly string[];
  /** They could not be run, or what was run does not even compile. */
  readonly fault?: string;
}

/** Hanging, for longer than was allowed. */
export const HANG = "hang";

/** Long on a machine that has much else to do. */
const START_LIMIT_MS = 120_000;

/**
 * Runs test files in a copy of the repository, in one process that keeps what it has compiled; it
 * is ended and started anew when tests hang.
 */
export class TestRunner {
  readonly #root: string;
  #child: ChildProcess | undefined;

  constructor(root: string) {
    this.#root = root;
    process.once("exit", () => this.#kill());
  }

  /** `changed`: source files that are others than at the last run. */
  async run(
    file: string,
    options: {
      readonly name: string | undefined;
      readonly changed: readonly string[];
      readonly limitMs: number;
    },
  ): Promise<TestOutcome | typeof HANG> {
    const { name, changed, limitMs } = options;
    const child = this.#child ?? (await this.#start());
    const answer = answerOf(child, "outcome", limitMs);
    child.send({ file, name, changed });
    const outcome = await answer;
    if (outcome === HANG) await this.close();
    return outcome === HANG ? HANG : outcomeOf(outcome);
  }

  async close(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    killGroup(child);
    await ended;
  }

  #kill(): void {
    if (this.#child !== undefined) killGroup(this.#child);
  }

  async #start(): Promise<ChildProcess> {
    const worker = join(this.#root, "test/mutants/testWorker.js");
    // A group of its own: what hangs is a process of that process.
    const child = spawn(process.execPath, [worker, this.#root], {
      cwd: this.#root,
      detached: true,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#child = child;
    child.once("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    if ((await answerOf(child, "ready", START_LIMIT_MS)) === HANG) {
      throw new Error("the tests could not be started");
    }
    return child;
  }
}

function answerOf(
  child: ChildProcess,
  kind: string,
  limitMs: number,
): Promise<object | typeof HANG> {
  return new Promise((resolve) => {
    const end = (answer: object | typeof HANG): void => {
      clearTimeout(timer);
      child.off("message", hear);
      child.off("exit", died);
      resolve(answer);
    };
    const hear = (message: unknown): void => {
      if (typeof message === "object" && message !== null && "kind" in message) {
        if (message.kind === kind) end(message);
      }
    };
    const died = (): void => end({ fault: "the process that runs the tests died" });
    const timer = setTimeout(() => end(HANG), limitMs);
    child.on("message", hear);
    child.once("exit", died);
  });
}

/** The process and all that it started. */
function killGroup({ pid, exitCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

function outcomeOf(message: object): TestOutcome {
  const { passed, failed, fault } = { passed: [], failed: [], fault: undefined, ...message };
  return {
    passed: namesIn(passed),
    failed: namesIn(failed),
    ...(fault === undefined ? {} : { fault: String(fault) }),
  };
}

function namesIn(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
