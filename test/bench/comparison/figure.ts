import { quantile, threeDigits } from "../samples.js";
import { besideIt, tableIn } from "../table.js";

/** What was measured of one entrant, in the shape that is recorded. */
export interface Figure {
  /** The row: what was measured, with its payload. */
  readonly what: string;
  readonly entrant: string;
  readonly unit: Unit;
  /** Of the rounds, in their order; empty if it could not be measured. */
  readonly rounds: readonly number[];
  readonly summary?: Spread;
  /** To the first entrant of the row, round by round. */
  readonly ratio?: Spread;
  /** What else was seen, by name. */
  readonly facts: Readonly<Record<string, number | string>>;
  /** Why there is no summary, or why it is not to be trusted. */
  readonly problem?: string;
}

export type Unit = "µs" | "ms" | "messages/s";

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** One row of the table: the same for several entrants, the first of which the others are put to. */
export class Row {
  readonly #what: string;
  readonly #unit: Unit;
  /** By label; bounded by the entrants. */
  readonly #samples = new Map<string, number[]>();
  readonly #facts = new Map<string, Record<string, number | string>>();
  readonly #problems = new Map<string, string>();

  constructor(what: string, unit: Unit, entrants: readonly string[]) {
    this.#what = what;
    this.#unit = unit;
    for (const entrant of entrants) this.#samples.set(entrant, []);
  }

  add(entrant: string, value: number, facts: Record<string, number | string> = {}): void {
    this.#samples.get(entrant)?.push(value);
    this.#facts.set(entrant, facts);
  }

  fail(entrant: string, problem: string): void {
    this.#problems.set(entrant, problem);
  }

  get figures(): Figure[] {
    const [base = []] = this.#samples.values();
    return [...this.#samples].map(([entrant, rounds], index) => {
      const problem = this.#problems.get(entrant);
      const ratios = index === 0 ? [] : rounds.flatMap((value, i) => quotient(value, base[i]));
      return {
        what: this.#what,
        entrant,
        unit: this.#unit,
        rounds: rounds.map(threeDigits),
        ...(rounds.length === 0 ? {} : { summary: spreadOf(rounds) }),
        ...(ratios.length === 0 ? {} : { ratio: spreadOf(ratios) }),
        facts: this.#facts.get(entrant) ?? {},
        ...(problem === undefined ? {} : { problem }),
      };
    });
  }
}

function quotient(value: number, base: number | undefined): number[] {
  return base === undefined || base === 0 ? [] : [value / base];
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    median: threeDigits(quantile(sorted, 0.5)),
    least: threeDigits(sorted[0] ?? Number.NaN),
    most: threeDigits(sorted.at(-1) ?? Number.NaN),
  };
}

/** A table in Markdown. */
export function tableOfFigures(figures: readonly Figure[]): string {
  const columns = [
    { head: "what" },
    { head: "who" },
    { head: "median", isNumber: true },
    { head: "least", isNumber: true },
    { head: "most", isNumber: true },
    { head: "unit" },
    { head: "ratio", isNumber: true },
    { head: "its spread", isNumber: true },
    { head: "beside it" },
  ];
  const number = (value: number | undefined): string => value?.toLocaleString("en") ?? "-";
  const rows = figures.map(({ what, entrant, unit, summary, ratio, facts, problem }, i) => [
    figures[i - 1]?.what === what ? "" : what,
    entrant,
    number(summary?.median),
    number(summary?.least),
    number(summary?.most),
    unit,
    ratio === undefined ? "" : `${number(ratio.median)}x`,
    ratio === undefined ? "" : `${number(ratio.least)} to ${number(ratio.most)}`,
    besideIt(facts, problem),
  ]);
  return tableIn(columns, rows);
}
