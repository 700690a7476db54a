import type { RunningCommand } from "../support/cliWorld.js";

/** How long `work` takes, in ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** The samples of so many runs, one after the other. */
export async function repeated(runs: number, sample: () => Promise<number>): Promise<number[]> {
  const samples: number[] = [];
  while (samples.length < runs) samples.push(await sample());
  return samples;
}

/** A command from its start to its end, in ms; throws unless it exits 0. */
export function timedCommand(spawn: () => RunningCommand): Promise<number> {
  return timed(async () => {
    const command = spawn();
    command.endInput("");
    if ((await command.ended()) !== 0) throw new Error(`the command failed: ${command.stderr}`);
  });
}

/** `1 x 300, 2 x 150`: how often each value occurs, the smallest first. */
export function histogramOf(values: readonly number[]): string {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts]
    .toSorted(([a], [b]) => a - b)
    .map(([value, count]) => `${value} x ${count}`)
    .join(", ");
}
