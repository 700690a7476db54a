import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { inParallel } from "../support/inParallel.js";
import type { Mutant } from "./mutant.js";
import { HANG, TestRunner } from "./testRunner.js";
import { Workspace } from "./workspace.js";

export type Verdict =
  | { readonly kind: "caught"; readonly by: string }
  | { readonly kind: "survived" }
  /** The mutant, or what is to catch it, is broken itself. */
  | { readonly kind: "fault"; readonly fault: string };

export interface MutationReport {
  readonly caught: number;
  readonly survived: readonly string[];
  /** A sentence each. */
  readonly faults: readonly string[];
}

/** A file of tests that takes longer than this, or than so many times its time unbroken, hangs. */
const SHORTEST_LIMIT_MS = 30_000;
const LIMIT_FACTOR = 10;
/** Nothing is broken yet: the time that it takes is what is to be found out. */
const BASELINE_LIMIT_MS = 300_000;
const SEEDS_LIMIT_MS = 600_000;

/** What catchers say while nothing is broken. */
interface Baseline {
  readonly limitMs: number;
  readonly fault: string | undefined;
}

/**
 * Breaks every defence in turn and runs what is to catch it, in `workers` private copies of the
 * repository at `root`; before that, what is to catch them must hold there. `tell` is given a line
 * for every mutant.
 */
export async function runMutants(options: {
  readonly root: string;
  readonly mutants: readonly Mutant[];
  readonly workers: number;
  readonly tell: (line: string) => void;
}): Promise<MutationReport> {
  const { root, mutants, workers, tell } = options;
  const benches = await Promise.all(Array.from({ length: workers }, () => Bench.make(root)));
  try {
    const idle = [...benches];
    const withBench = async <T>(work: (bench: Bench) => Promise<T>): Promise<T> => {
      const bench = idle.pop();
      if (bench === undefined) throw new Error("there are as many benches as workers");
      return work(bench).finally(() => idle.push(bench));
    };
    const keys = [...new Map(mutants.map((mutant) => [keyOf(mutant), mutant])).entries()];
    const held = await inParallel(workers, keys, async ([key, mutant]) => {
      const baseline = await withBench((bench) => bench.baseline(mutant));
      return [key, baseline] as const;
    });
    const baselines = new Map(held);
    const verdicts = await inParallel(workers, mutants, async (mutant) => {
      const baseline = baselines.get(keyOf(mutant)) ?? { limitMs: 0, fault: "not tried" };
      const fault = baseline.fault;
      const verdict: Verdict =
        fault === undefined
          ? await withBench((bench) => bench.judge(mutant, baseline.limitMs))
          : { kind: "fault", fault: `${catcherOf(mutant)} does not hold unbroken: ${fault}` };
      tell(lineOf(mutant, verdict));
      return verdict;
    });
    return reportOf(mutants, verdicts);
  } finally {
    await Promise.all(benches.map((bench) => bench.close()));
  }
}

/** A copy of the repository, and what runs its tests. */
class Bench {
  readonly #workspace: Workspace;
  readonly #runner: TestRunner;
  /** Source files that were mended since the last run. */
  #mended: readonly string[] = [];

  private constructor(workspace: Workspace) {
    this.#workspace = workspace;
    this.#runner = new TestRunner(workspace.root);
  }

  static async make(root: string): Promise<Bench> {
    return new Bench(await Workspace.make(root));
  }

  /** What is to catch the mutant, while nothing is broken. */
  async baseline({ caughtBy }: Mutant): Promise<Baseline> {
    if ("seeds" in caughtBy) {
      const exitCode = await this.#runSeeds(caughtBy.seeds);
      const fault = exitCode === 0 ? undefined : `the hunt ended with ${exitCode}`;
      return { limitMs: SEEDS_LIMIT_MS, fault };
    }
    const startedMs = performance.now();
    const outcome = await this.#runTests(caughtBy, [], BASELINE_LIMIT_MS);
    const tookMs = performance.now() - startedMs;
    const limitMs = Math.max(SHORTEST_LIMIT_MS, LIMIT_FACTOR * tookMs);
    if (outcome === HANG) return { limitMs, fault: "it hangs" };
    const [failed] = outcome.failed;
    return { limitMs, fault: outcome.fault ?? failed };
  }

  async judge(mutant: Mutant, limitMs: number): Promise<Verdict> {
    const applied = await this.#workspace.apply(mutant);
    if ("fault" in applied) return { kind: "fault", fault: applied.fault };
    try {
      const { caughtBy } = mutant;
      if ("seeds" in caughtBy) return verdictOfSeeds(await this.#runSeeds(caughtBy.seeds));
      const outcome = await this.#runTests(caughtBy, [mutant.file], limitMs);
      if (outcome === HANG) return { kind: "caught", by: `a hang of ${caughtBy.file}` };
      if (outcome.fault !== undefined) return { kind: "fault", fault: outcome.fault };
      const [failed] = outcome.failed;
      return failed === undefined
        ? { kind: "survived" }
        : { kind: "caught", by: `${caughtBy.file}: ${failed}` };
    } finally {
      await applied.restore();
      this.#mended = [mutant.file];
    }
  }

  async close(): Promise<void> {
    await this.#runner.close();
    await this.#workspace.remove();
  }

  async #runTests(
    { file, name }: { readonly file: string; readonly name?: string },
    broken: readonly string[],
    limitMs: number,
  ): ReturnType<TestRunner["run"]> {
    const changed = [...new Set([...this.#mended, ...broken])];
    this.#mended = [];
    return this.#runner.run(file, { name, changed, limitMs });
  }

  /** Resolves with the exit code of the simulator; undefined if it was ended. */
  #runSeeds(seeds: string): Promise<number | undefined> {
    const program = join(this.#workspace.root, "test/hunt/run.js");
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program, "--seeds", seeds, "--workers", "1"], {
        cwd: this.#workspace.root,
        stdio: "ignore",
        timeout: SEEDS_LIMIT_MS,
      });
      child.once("error", reject);
      child.once("exit", (code) => resolve(code ?? undefined));
    });
  }
}

function verdictOfSeeds(exitCode: number | undefined): Verdict {
  if (exitCode === 0) return { kind: "survived" };
  if (exitCode === 1) return { kind: "caught", by: "the hunt" };
  if (exitCode === undefined) return { kind: "caught", by: "a hang of the hunt" };
  return { kind: "fault", fault: `the hunt ended with ${exitCode}` };
}

/** Of what is to catch it: those with the same one share a baseline. */
function keyOf(mutant: Mutant): string {
  return JSON.stringify(mutant.caughtBy);
}

/** As people read it. */
export function catcherOf({ caughtBy }: Mutant): string {
  if ("seeds" in caughtBy) return `seeds ${caughtBy.seeds}`;
  return caughtBy.name === undefined ? caughtBy.file : `${caughtBy.file} "${caughtBy.name}"`;
}

function lineOf({ name }: Mutant, verdict: Verdict): string {
  if (verdict.kind === "caught") return `caught    ${name}: ${verdict.by}`;
  if (verdict.kind === "survived") return `SURVIVED  ${name}`;
  return `FAULT     ${name}: ${verdict.fault}`;
}

function reportOf(mutants: readonly Mutant[], verdicts: readonly Verdict[]): MutationReport {
  const survived: string[] = [];
  const faults: string[] = [];
  for (const [index, verdict] of verdicts.entries()) {
    const name = mutants[index]?.name ?? "";
    if (verdict.kind === "survived") survived.push(name);
    if (verdict.kind === "fault") faults.push(`${name}: ${verdict.fault}`);
  }
  return { caught: verdicts.length - survived.length - faults.length, survived, faults };
}
