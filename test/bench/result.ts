import { quantile, threeDigits } from "./samples.js";
import { besideIt, tableIn } from "./table.js";

/** What was measured, in the shape that is recorded. */
export interface Result {
  readonly what: string;
  readonly unit: "ms" | "µs" | "MiB" | "% of a core" | "bytes" | "bytes/s" | "times";
  /** Absent if it could not be measured. */
  readonly summary?: Summary;
  /** What else was seen, by name. */
  readonly facts: Readonly<Record<string, number | string>>;
  /** Why there is no summary, or why it is not to be trusted. */
  readonly problem?: string;
}

export interface Summary {
  readonly runs: number;
  readonly median: number;
  /** Of 100 runs or more. */
  readonly p99?: number;
  readonly worst: number;
}

/** A result of samples; `unit` is that of each sample. */
export function resultOf(
  what: string,
  samples: readonly number[],
  { unit = "ms", facts = {}, problem }: Partial<Omit<Result, "what" | "summary">> = {},
): Result {
  const known = samples.length === 0 ? {} : { summary: summarise(samples) };
  return { what, unit, ...known, facts, ...(problem === undefined ? {} : { problem }) };
}

function summarise(samples: readonly number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = quantile(sorted, 0.5);
  const many = sorted.length >= 100;
  return {
    runs: sorted.length,
    median: threeDigits(middle),
    ...(many ? { p99: threeDigits(quantile(sorted, 0.99)) } : {}),
    worst: threeDigits(sorted.at(-1) ?? Number.NaN),
  };
}

/** A table in Markdown. */
export function tableOf(results: readonly Result[]): string {
  const columns = [
    { head: "what" },
    { head: "runs", isNumber: true },
    { head: "median", isNumber: true },
    { head: "p99", isNumber: true },
    { head: "worst", isNumber: true },
    { head: "unit" },
    { head: "beside it" },
  ];
  const rows = results.map(({ what, unit, summary, facts, problem }) => [
    what,
    ...[summary?.runs, summary?.median, summary?.p99, summary?.worst].map((n) => String(n ?? "-")),
    unit,
    besideIt(facts, problem),
  ]);
  return tableIn(columns, rows);
}
