/** A whole run: hands out lives to workers, and tells what came of them. */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { keepCrasher } from "./crasher.js";
import { type LifeReport, lifeSeed } from "./life.js";
import type { FuzzInput, FuzzTarget } from "./target.js";
import {
  MOST_HEAP_BYTES,
  PROGRESS_BYTES,
  PROGRESS_VARIABLE,
  type WorkerAnswer,
  type WorkerJob,
} from "./worker.js";

const RUN_JS = fileURLToPath(new URL("run.js", import.meta.url));
/** A worker that feeds one input for so long hangs. */
const HANG_MS = 10_000;
const LOOK_EVERY_MS = 1_000;
/** Twice what a subject may keep, and as much again for garbage: beyond it the process ends. */
const OLD_SPACE_MB = (4 * MOST_HEAP_BYTES) / 2 ** 20;
const MIB = 2 ** 20;
const MOST_SHOWN_CHARACTERS = 600;

export interface FuzzOptions {
  readonly targets: readonly FuzzTarget[];
  /** In all, shared out by weight. */
  readonly inputs: number;
  readonly seed: number;
  /** Processes. */
  readonly workers: number;
  readonly tell: (line: string) => void;
}

/** What came of one target. */
interface Tally {
  readonly target: FuzzTarget;
  inputs: number;
  accepted: number;
  tookMs: number;
  mostHeapBytes: number;
  heapAfterBytes: number;
  failures: number;
}

type LiveJob = Extract<WorkerJob, { kind: "live" }>;

/** Runs everything; true if nothing failed. */
export async function fuzz(options: FuzzOptions): Promise<boolean> {
  const { targets, seed, workers, tell } = options;
  tell(`fuzz: seed ${seed}, ${options.inputs} inputs, ${workers} workers`);
  const tallies = new Map(targets.map((target) => [target.name, emptyTally(target)]));
  const jobs = jobsOf(options);
  const folder = mkdtempSync(join(tmpdir(), "udpchat-fuzz-"));
  try {
    const hands = Array.from({ length: workers }, (_, i) => join(folder, `progress-${i}`));
    await Promise.all(hands.map((progress) => workOff(jobs, tallies, progress, tell)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const tally of tallies.values()) tell(lineOf(tally));
  return [...tallies.values()].every(({ failures }) => failures === 0);
}

/** Lives of all targets, mixed, so that every worker has some of each. */
function jobsOf({ targets, inputs, seed }: FuzzOptions): LiveJob[] {
  const weightInAll = targets.reduce((sum, { weight }) => sum + weight, 0);
  const placed = targets.flatMap((target) => {
    const share = Math.round((inputs * target.weight) / weightInAll);
    const lives = Math.ceil(share / target.lifetimeInputs);
    return Array.from({ length: lives }, (_, index) => ({
      place: (index + 1) / lives,
      job: {
        kind: "live" as const,
        target: target.name,
        seed: lifeSeed(seed, target.name, index),
        inputs: Math.min(target.lifetimeInputs, share - index * target.lifetimeInputs),
      },
    }));
  });
  return placed.toSorted((a, b) => a.place - b.place).map(({ job }) => job);
}

/** One worker at a time, until no job is left; a target that failed gets no more of them. */
async function workOff(
  jobs: LiveJob[],
  tallies: ReadonlyMap<string, Tally>,
  progress: string,
  tell: (line: string) => void,
): Promise<void> {
  let worker: Worker | undefined;
  for (;;) {
    const job = jobs.shift();
    if (job === undefined) break;
    const tally = tallies.get(job.target);
    if (tally === undefined || tally.failures > 0) continue;
    worker ??= await Worker.start(progress);
    const answer = await worker.ask(job);
    if (answer.kind === "lived") {
      add(tally, answer);
      if (answer.report.failure !== undefined) tellFailure(tally, answer.report, tell);
      continue;
    }
    worker.kill();
    worker = undefined;
    if (answer.kind !== "hung" && answer.kind !== "gone")
      throw new Error("answered something else");
    const error = answer.kind === "hung" ? `hangs: more than ${HANG_MS} ms` : answer.why;
    const inputs = await recalled(job, answer.index, progress);
    const { seed } = job;
    tellFailure(
      tally,
      { seed, inputs: answer.index, accepted: 0, failure: { inputs, error } },
      tell,
    );
  }
  worker?.kill();
}

/** What was fed to a worker that is gone. Nothing if the way there does not end either. */
async function recalled(
  job: LiveJob,
  index: number,
  progress: string,
): Promise<readonly FuzzInput[]> {
  const worker = await Worker.start(progress);
  const answer = await worker.ask({ ...job, kind: "recall", index });
  worker.kill();
  return answer.kind === "recalled" ? answer.inputs : [];
}

function emptyTally(target: FuzzTarget): Tally {
  const numbers = { inputs: 0, accepted: 0, tookMs: 0, mostHeapBytes: 0, heapAfterBytes: 0 };
  return { target, ...numbers, failures: 0 };
}

function add(tally: Tally, answer: Extract<WorkerAnswer, { kind: "lived" }>): void {
  tally.inputs += answer.report.inputs;
  tally.accepted += answer.report.accepted;
  tally.tookMs += answer.tookMs;
  tally.mostHeapBytes = Math.max(tally.mostHeapBytes, answer.heapBytes);
  tally.heapAfterBytes = answer.heapAfterBytes;
}

function lineOf(tally: Tally): string {
  const { target, inputs, accepted, tookMs, mostHeapBytes, heapAfterBytes, failures } = tally;
  const perSecond = tookMs === 0 ? 0 : Math.round((inputs * 1000) / tookMs);
  const percent = inputs === 0 ? "0" : ((100 * accepted) / inputs).toFixed(1);
  return [
    `${target.name.padEnd(12)} ${inputs} inputs, ${perSecond}/s`,
    `${accepted} accepted (${percent} %), ${inputs - accepted} refused`,
    `heap at most ${mib(mostHeapBytes)}, after ${mib(heapAfterBytes)}`,
    failures === 0 ? "no failure" : `${failures} FAILURES`,
  ].join(" · ");
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(0)} MiB`;
}

function tellFailure(tally: Tally, report: LifeReport, tell: (line: string) => void): void {
  const { failure, seed } = report;
  if (failure === undefined) return;
  tally.failures += 1;
  const target = tally.target.name;
  const { inputs, error } = failure;
  const path = keepCrasher({ target, seed, inputs, error });
  tell(`FAILURE in ${target}, life seed ${seed}, after ${tally.inputs + report.inputs} inputs`);
  tell(error);
  tell(
    `shortened to ${inputs.length} inputs, the last: ${JSON.stringify(inputs.at(-1))?.slice(0, MOST_SHOWN_CHARACTERS)}`,
  );
  tell(`kept in ${path}`);
}

/** One process, watched. */
class Worker {
  readonly #process: ChildProcess;
  readonly #progress: string;

  static async start(progress: string): Promise<Worker> {
    writeFileSync(progress, Buffer.alloc(PROGRESS_BYTES));
    const worker = new Worker(progress);
    await new Promise((resolve) => worker.#process.once("message", resolve));
    return worker;
  }

  private constructor(progress: string) {
    this.#progress = progress;
    this.#process = fork(RUN_JS, ["--worker"], {
      env: { ...process.env, [PROGRESS_VARIABLE]: progress },
      execArgv: ["--expose-gc", `--max-old-space-size=${OLD_SPACE_MB}`],
    });
  }

  /** `index`: of the input that it was at, where it did not come back. */
  async ask(
    job: WorkerJob,
  ): Promise<
    WorkerAnswer | { kind: "hung"; index: number } | { kind: "gone"; index: number; why: string }
  > {
    const child = this.#process;
    return await new Promise((resolve) => {
      let seen = "";
      let seenAtMs = performance.now();
      const watch = setInterval(() => {
        const { index, text } = this.#readProgress();
        if (text !== seen) [seen, seenAtMs] = [text, performance.now()];
        else if (performance.now() - seenAtMs > HANG_MS) settle({ kind: "hung", index });
      }, LOOK_EVERY_MS);
      const gone = (code: number | null, signal: string | null): void =>
        settle({
          kind: "gone",
          index: this.#readProgress().index,
          why: `the process ended: ${code ?? signal}`,
        });
      const settle = (answer: Parameters<typeof resolve>[0]): void => {
        clearInterval(watch);
        child.removeAllListeners();
        resolve(answer);
      };
      child.once("message", (answer: WorkerAnswer) => settle(answer));
      child.once("exit", gone);
      child.send(job);
    });
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  #readProgress(): { index: number; text: string } {
    const bytes = readFileSync(this.#progress);
    return { index: bytes.readUInt32LE(0), text: bytes.toString("hex") };
  }
}
