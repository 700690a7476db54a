import { type Failure, type HuntOptions, hunt } from "./hunt.js";

/** The shortest way that was found to the same failure. */
export interface Shrunk {
  readonly options: HuntOptions;
  readonly failure: Failure;
  readonly trace: readonly string[];
  /** Runs that it took. */
  readonly runs: number;
}

/**
 * Leaves out steps of a seed that failed for as long as the same invariant is broken: halves,
 * quarters, and so on down to single steps (Zeller and Hildebrandt 2002, "Simplifying and Isolating
 * Failure-Inducing Input").
 * @param steps how many steps the seed has
 */
export async function shrink(
  seed: number,
  failure: Failure,
  { steps, hosts }: { readonly steps: number; readonly hosts: number },
  mostRuns = 400,
): Promise<Shrunk> {
  let runs = 0;
  const failing = async (options: HuntOptions): Promise<Shrunk | undefined> => {
    runs += 1;
    const found = await hunt(seed, options);
    if (found.failure?.invariant !== failure.invariant) return undefined;
    return { options, failure: found.failure, trace: found.trace, runs };
  };
  let left = Array.from({ length: steps }, (_, place) => place);
  let best: Shrunk = { options: {}, failure, trace: [], runs };
  for (let fewer = hosts - 1; fewer >= 2; fewer -= 1) {
    const found = await failing({ hosts: fewer });
    if (found === undefined) break;
    best = found;
  }
  for (let size = Math.ceil(steps / 2); size >= 1 && runs < mostRuns; size = nextSize(size)) {
    for (let from = 0; from < left.length && runs < mostRuns; ) {
      const without = left.toSpliced(from, size);
      const found = await failing({ ...best.options, steps: without });
      if (found === undefined) {
        from += size;
      } else {
        best = found;
        left = without;
      }
    }
  }
  const again = best.trace.length > 0 ? best : await failing(best.options);
  return { ...(again ?? best), runs };
}

function nextSize(size: number): number {
  return size === 1 ? 0 : Math.ceil(size / 2);
}

/** The command that runs it again. */
export function replayCommand(seed: number, { steps, hosts }: HuntOptions): string {
  const parts = [`npm run sim -- --seed ${seed}`];
  if (hosts !== undefined) parts.push(`--hosts ${hosts}`);
  if (steps !== undefined) parts.push(`--steps ${steps.join(",")}`);
  return parts.join(" ");
}
