/** A column of a table; numbers are set to the right. */
export interface Column {
  readonly head: string;
  readonly isNumber?: boolean;
}

/** A table in Markdown, aligned for people as well. */
export function tableIn(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const heads = columns.map(({ head }) => head);
  const widths = heads.map((head, i) =>
    Math.max(3, head.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, i) =>
      columns[i]?.isNumber === true ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
    );
    return `| ${padded.join(" | ")} |`;
  };
  const rule = widths.map((width, i) =>
    columns[i]?.isNumber === true ? `${"-".repeat(width - 1)}:` : "-".repeat(width),
  );
  return [line(heads), line(rule), ...rows.map(line)].join("\n");
}

/** What could not be measured, and what else was seen, by name. */
export function besideIt(
  facts: Readonly<Record<string, number | string>>,
  problem: string | undefined,
): string {
  const seen = Object.entries(facts).map(([name, value]) => `${name}: ${value}`);
  return [...(problem === undefined ? [] : [problem]), ...seen].join("; ");
}
