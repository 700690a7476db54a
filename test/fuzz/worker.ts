/** A process that lives lives for `fuzzRun.ts`, one after another. */
import { openSync, writeSync } from "node:fs";
import process from "node:process";
import { inputsUpTo, type LifeReport, live, replay } from "./life.js";
import { shrink } from "./shrink.js";
import type { FuzzInput, FuzzTarget } from "./target.js";
import { TARGETS } from "./targets.js";

/** Heap that the state of one subject may need, after garbage collection. */
export const MOST_HEAP_BYTES = 192 * 1024 * 1024;
const SHRINK_FOR_MS = 60_000;

/** What a worker is asked for. */
export type WorkerJob =
  | {
      readonly kind: "live";
      readonly target: string;
      readonly seed: number;
      readonly inputs: number;
    }
  /** What was it fed as number `index`? */
  | {
      readonly kind: "recall";
      readonly target: string;
      readonly seed: number;
      readonly index: number;
    };

/** What it answers. */
export type WorkerAnswer =
  | { readonly kind: "ready" }
  | {
      readonly kind: "lived";
      readonly report: LifeReport;
      readonly tookMs: number;
      /** At the end of the life, before its subject was closed, and after that. */
      readonly heapBytes: number;
      readonly heapAfterBytes: number;
    }
  | { readonly kind: "recalled"; readonly inputs: readonly FuzzInput[] };

/**
 * Where a worker writes the number of the input that it is about to feed, u32, and how often it
 * tried while it shortened, u32: both little-endian.
 */
export const PROGRESS_VARIABLE = "UDPCHAT_FUZZ_PROGRESS";
export const PROGRESS_BYTES = 8;

/** What shows that a worker does not hang. */
interface SignsOfLife {
  readonly begins: (index: number) => void;
  readonly tries: () => void;
}

/** Takes jobs from the parent until it disconnects. */
export async function work(): Promise<void> {
  const progress = openSync(process.env[PROGRESS_VARIABLE] ?? "/dev/null", "r+");
  const number = Buffer.alloc(PROGRESS_BYTES);
  const write = (): void => void writeSync(progress, number, 0, PROGRESS_BYTES, 0);
  const signs: SignsOfLife = {
    begins(index) {
      number.writeUInt32LE(index);
      write();
    },
    tries() {
      number.writeUInt32LE(number.readUInt32LE(4) + 1, 4);
      write();
    },
  };
  const answer = async (job: WorkerJob, before: Promise<void>): Promise<void> => {
    await before;
    process.send?.(await done(job, signs));
  };
  let last = Promise.resolve();
  process.on("message", (job: WorkerJob) => {
    last = answer(job, last);
  });
  const disconnected = new Promise((resolve) => process.once("disconnect", resolve));
  process.send?.({ kind: "ready" } satisfies WorkerAnswer);
  await disconnected;
}

async function done(job: WorkerJob, signs: SignsOfLife): Promise<WorkerAnswer> {
  const target = TARGETS.find(({ name }) => name === job.target);
  if (target === undefined) throw new Error(`no target ${job.target}`);
  if (job.kind === "recall") {
    return { kind: "recalled", inputs: await inputsUpTo(target, job.seed, job.index) };
  }
  let heapBytes = 0;
  const grownUp = (): void => {
    heapBytes = heapAfterCollection();
    if (heapBytes <= MOST_HEAP_BYTES) return;
    throw new Error(`the heap has ${heapBytes} bytes, more than ${MOST_HEAP_BYTES}`);
  };
  const startedMs = performance.now();
  const report = await live(target, job.seed, job.inputs, { begins: signs.begins, grownUp });
  const tookMs = performance.now() - startedMs;
  const shorter = report.failure === undefined ? report : await shortened(target, report, signs);
  return {
    kind: "lived",
    report: shorter,
    tookMs,
    heapBytes,
    heapAfterBytes: heapAfterCollection(),
  };
}

/** The same failure from fewer inputs; as it is if it does not come again. */
async function shortened(
  target: FuzzTarget,
  report: LifeReport,
  { tries }: SignsOfLife,
): Promise<LifeReport> {
  const { failure, seed } = report;
  if (failure === undefined) return report;
  const what = firstLine(failure.error);
  const fails = async (inputs: readonly FuzzInput[]): Promise<boolean> => {
    tries();
    const error = await replay(target, seed, inputs);
    return error !== undefined && firstLine(error) === what;
  };
  if (!(await fails(failure.inputs))) return report;
  const inputs = await shrink(failure.inputs, fails, performance.now() + SHRINK_FOR_MS);
  return { ...report, failure: { ...failure, inputs } };
}

/** Numbers in a message differ from one run to the next, and it is the same failure. */
function firstLine(error: string): string {
  return (error.split("\n", 1)[0] ?? "").replaceAll(/\d+(\.\d+)?/g, "N");
}

function heapAfterCollection(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
