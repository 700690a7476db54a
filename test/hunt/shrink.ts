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
 * @param size how many steps and hosts the seed has
 */
export async function shrink(
  seed: number,
  failure: Failure,
  size: { readonly steps: number; readonly hosts: number },
): Promise<Shrunk> {
  const shrinking = new Shrinking(seed, failure);
  await shrinking.leaveOutHosts(size.hosts);
  await shrinking.leaveOutSteps(size.steps);
  return await shrinking.shortest();
}

const MOST_RUNS = 400;

class Shrinking {
  readonly #seed: number;
  readonly #failure: Failure;
  #best: Omit<Shrunk, "runs"> | undefined;
  #runs = 0;

  constructor(seed: number, failure: Failure) {
    this.#seed = seed;
    this.#failure = failure;
  }

  /** The last ones first, for as long as it fails without them. */
  async leaveOutHosts(hosts: number): Promise<void> {
    for (let fewer = hosts - 1; fewer >= 2; fewer -= 1) {
      if (!(await this.#failsWith({ hosts: fewer }))) return;
    }
  }

  async leaveOutSteps(count: number): Promise<void> {
    let left = Array.from({ length: count }, (_, place) => place);
    for (let size = Math.ceil(count / 2); size >= 1; size = nextSize(size)) {
      for (let from = 0; from < left.length; ) {
        if (this.#runs >= MOST_RUNS) return;
        const steps = left.toSpliced(from, size);
        if (await this.#failsWith({ ...this.#best?.options, steps })) left = steps;
        else from += size;
      }
    }
  }

  /** If nothing can be left out, all of it. */
  async shortest(): Promise<Shrunk> {
    if (this.#best === undefined) await this.#failsWith({});
    const all = { options: {}, failure: this.#failure, trace: [] };
    return { ...(this.#best ?? all), runs: this.#runs };
  }

  async #failsWith(options: HuntOptions): Promise<boolean> {
    this.#runs += 1;
    const { failure, trace } = await hunt(this.#seed, options);
    if (failure?.invariant !== this.#failure.invariant) return false;
    this.#best = { options, failure, trace };
    return true;
  }
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
