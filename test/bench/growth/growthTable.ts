import * as v from "valibot";
import { threeDigits } from "../samples.js";
import { tableIn } from "../table.js";

/** One figure at several sizes, in the shape that is recorded. */
export interface Growth {
  readonly what: string;
  readonly unit: string;
  /** By what the size counts: "peers", "members". */
  readonly per: string;
  readonly bySize: readonly { readonly size: number; readonly value: number }[];
}

/** What was seen at one size, by name. */
export const SightingSchema = v.record(
  v.string(),
  v.object({ value: v.number(), unit: v.string() }),
);
export type Sighting = Readonly<v.InferOutput<typeof SightingSchema>>;

/** Turns what was seen at each size into rows. */
export function growthsOf(
  per: string,
  sightings: readonly { readonly size: number; readonly seen: Sighting }[],
): Growth[] {
  const names = Object.entries(sightings[0]?.seen ?? {});
  return names.map(([what, { unit }]) => ({
    what,
    unit,
    per,
    bySize: sightings.map(({ size, seen }) => ({
      size,
      value: threeDigits(seen[what]?.value ?? Number.NaN),
    })),
  }));
}

/** One table for each of `per`, in Markdown. */
export function tableOfGrowth(growths: readonly Growth[]): string {
  const kinds = [...new Set(growths.map(({ per }) => per))];
  return kinds
    .map((kind) => {
      const rows = growths.filter(({ per }) => per === kind);
      const sizes = rows[0]?.bySize.map(({ size }) => size) ?? [];
      const columns = [
        { head: kind },
        ...sizes.map((size) => ({ head: size.toLocaleString("en"), isNumber: true })),
        { head: "unit" },
      ];
      return tableIn(
        columns,
        rows.map(({ what, unit, bySize }) => [
          what,
          ...bySize.map(({ value }) => value.toLocaleString("en")),
          unit,
        ]),
      );
    })
    .join("\n\n");
}
