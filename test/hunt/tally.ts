import type { HuntResult } from "./hunt.js";
import { FAULTS, WORK } from "./ingredients.js";

/** What many seeds came to. */
export class Tally {
  seeds = 0;
  simulatedMs = 0;
  nodeMs = 0;
  /** By what happened. */
  readonly #counts = new Map<string, number>(
    [...WORK, ...FAULTS].map(({ name }) => [`step ${name}`, 0]),
  );
  /** By what happened: in how many seeds it did. */
  readonly #seedsWith = new Map<string, number>();

  add({ simulatedMs, hosts, stats }: Pick<HuntResult, "simulatedMs" | "hosts" | "stats">): void {
    this.seeds += 1;
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

  summary(tookMs: number): string {
    const nodeHours = (this.nodeMs / 3_600_000).toFixed(1);
    const speed = Math.round(this.simulatedMs / tookMs);
    const seconds = (tookMs / 1000).toFixed(0);
    return `${this.seeds} seeds, ${nodeHours} simulated node-hours in ${seconds} s: ${speed} simulated seconds per second`;
  }
}
