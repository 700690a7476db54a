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
    median: rounded(middle),
    ...(many ? { p99: rounded(quantile(sorted, 0.99)) } : {}),
    worst: rounded(sorted.at(-1) ?? Number.NaN),
  };
}

/** The smallest sample that this share of them does not exceed (nearest rank). */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}

/** Three digits, as many as can be trusted; whole from 100 on. */
function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

/** A table in Markdown, aligned for people as well. */
export function tableOf(results: readonly Result[]): string {
  const head = ["what", "runs", "median", "p99", "worst", "unit", "beside it"];
  const rows = results.map(({ what, unit, summary, facts, problem }) => [
    what,
    ...[summary?.runs, summary?.median, summary?.p99, summary?.worst].map((n) => String(n ?? "-")),
    unit,
    [
      ...(problem === undefined ? [] : [problem]),
      ...Object.entries(facts).map(([name, value]) => `${name}: ${value}`),
    ].join("; "),
  ]);
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, i) =>
      i >= 1 && i <= 4 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
    );
    return `| ${padded.join(" | ")} |`;
  };
  const rule = widths.map((width, i) =>
    i >= 1 && i <= 4 ? `${"-".repeat(width - 1)}:` : "-".repeat(width),
  );
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
