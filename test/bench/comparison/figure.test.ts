import { expect, it } from "vitest";
import { Row, tableOfFigures } from "./figure.js";

it("takes ratios round by round, and not between the medians", () => {
  const row = new Row("a race", "messages/s", ["raw", "ours"]);
  // The machine is busy with something else in the second round.
  for (const [raw, ours] of [
    [100, 50],
    [10, 6],
    [120, 72],
  ] as const) {
    row.add("raw", raw);
    row.add("ours", ours);
  }
  const [raw, ours] = row.figures;
  expect(raw?.summary).toEqual({ median: 100, least: 10, most: 120 });
  expect(raw?.ratio).toBeUndefined();
  expect(ours?.ratio).toEqual({ median: 0.6, least: 0.5, most: 0.6 });
});

it("keeps what was measured before a failure, and says so", () => {
  const row = new Row("a race", "messages/s", ["raw", "ours"]);
  row.add("raw", 100);
  row.fail("ours", "FAILED: 3 of 4 came");
  const table = tableOfFigures(row.figures);
  expect(table).toContain("FAILED: 3 of 4 came");
  expect(row.figures[1]?.summary).toBeUndefined();
});
