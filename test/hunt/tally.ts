import type { HuntResult } from "./hunt.js";
import { FAULTS, WORK } from "./ingredients.js";

const SLOWEST = 5;

/** What a seed came to. */
export type Outcome = Pick<HuntResult, "seed" | "simulatedMs" | "hosts" | "stats"> & {
  /** Of the processor. */
  readonly cpuMs: number;
};

/** What many seeds came to. */
export class Tally {
  seeds = 0;
  simulatedMs = 0;
  nodeMs = 0;
  cpuMs = 0;
  /** At most `SLOWEST`, the slowest first. */
  #slowest: Outcome[] = [];
  /** By what happened. */
  readonly #counts = new Map<string, number>(
    [...WORK, ...FAULTS].map(({ name }) => [`step ${name}`, 0]),
  );
  /** By what happened: in how many seeds it did. */
  readonly #seedsWith = new Map<string, number>();

  add(outcome: Outcome): void {
    const { simulatedMs, hosts, stats, cpuMs } = outcome;
    this.#slowest = [...this.#slowest, outcome]
      .toSorted((a, b) => b.cpuMs - a.cpuMs)
      .slice(0, SLOWEST);
    this.seeds += 1;
    this.cpuMs += cpuMs;
    this.simulatedMs += simulatedMs;
    this.nodeMs += simulatedMs * hosts;
    for (const [what, count] of stats) {
      this.#counts.set(what, (this.#counts.get(what) ?? 0) + count);
      if (count > 0) this.#seedsWith.set(what, (this.#seedsWith.get(what) ?? 0) + 1);
    }
  }

  /** How often everything happened; what never did stands out. */
  table(): string[] {
    const rows = [...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return rows.map(([what, count]) => {
      const seeds = this.#seedsWith.get(what) ?? 0;
      return `${what.padEnd(44)}${String(count).padStart(12)}${`in ${seeds} seeds`.padStart(20)}${count === 0 ? "  NEVER" : ""}`;
    });
  }

  /** What the seeds cost. */
  costs(tookMs: number): string[] {
    const rate = ((1000 * this.seeds) / tookMs).toFixed(1);
    const mean = (this.cpuMs / this.seeds).toFixed(0);
    const longest = (this.#slowest[0]?.cpuMs ?? 0).toFixed(0);
    const slowest = this.#slowest.map(
      ({ seed, cpuMs, hosts }) => `${seed} (${cpuMs.toFixed(0)} ms, ${hosts} hosts)`,
    );
    return [
      `${rate} seeds per second; CPU time of a seed: ${mean} ms in the mean, ${longest} ms at most`,
      `slowest seeds: ${slowest.join(", ")}`,
    ];
  }

  summary(tookMs: number): string {
    const nodeHours = (this.nodeMs / 3_600_000).toFixed(1);
    const speed = Math.round(this.simulatedMs / tookMs);
    const seconds = (tookMs / 1000).toFixed(0);
    return `${this.seeds} seeds, ${nodeHours} simulated node-hours in ${seconds} s: ${speed} simulated seconds per second`;
  }
}
