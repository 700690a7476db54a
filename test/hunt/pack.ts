import { type ChildProcess, fork } from "node:child_process";
import * as v from "valibot";
import { REPORT, type Report } from "./report.js";

/** No seed takes a tenth of it: one that does hangs. */
const SEED_LIMIT_MS = 120_000;
/** Failures are alike: only the first are made shorter. */
const SHRUNK_FAILURES = 5;

/** Nearly everything in a seed is short-lived: with more room for it less is collected. */
const YOUNG_OBJECTS = ["--min-semi-space-size=16", "--max-semi-space-size=64"];

export interface PackOptions {
  /** Of this file's program, which becomes a worker by the argument `worker`. */
  readonly program: string;
  readonly workers: number;
  /** The next one; undefined: enough. */
  readonly nextSeed: () => number | undefined;
  readonly report: (report: Report) => void;
}

/** Lives through seeds in several processes; settles when there are no more. */
export async function runPack(options: PackOptions): Promise<void> {
  let failures = 0;
  const one = async (): Promise<void> => {
    for (let worker: ChildProcess | undefined; ; ) {
      const seed = options.nextSeed();
      if (seed === undefined) {
        worker?.disconnect();
        return;
      }
      worker ??= await started(options.program);
      const report = await reportOf(worker, seed, failures < SHRUNK_FAILURES);
      if (report.failure !== undefined) failures += 1;
      options.report(report);
      if (!worker.connected) worker = undefined;
    }
  };
  await Promise.all(Array.from({ length: options.workers }, one));
}

/** It says when it is ready. */
async function started(program: string): Promise<ChildProcess> {
  const worker = fork(program, ["worker"], { execArgv: YOUNG_OBJECTS });
  await new Promise<void>((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("exit", () => reject(new Error("a worker does not start")));
  });
  return worker;
}

/** A worker that hangs or dies is the failure of its seed. */
function reportOf(worker: ChildProcess, seed: number, shrinks: boolean): Promise<Report> {
  return new Promise((resolve) => {
    const failed = (message: string): void => {
      end();
      worker.kill("SIGKILL");
      if (worker.connected) worker.disconnect();
      const failure = { invariant: "noCrash", message, atMs: 0 };
      resolve({ seed, failure, hosts: 0, simulatedMs: 0, cpuMs: 0, stats: [] });
    };
    const onMessage = (message: unknown): void => {
      end();
      resolve(v.parse(REPORT, message));
    };
    const onExit = (): void => failed("the process ended");
    const timer = setTimeout(() => failed("it hangs"), SEED_LIMIT_MS);
    const end = (): void => {
      clearTimeout(timer);
      worker.off("message", onMessage);
      worker.off("exit", onExit);
    };
    worker.on("message", onMessage);
    worker.on("exit", onExit);
    worker.send({ seed, shrinks });
  });
}
