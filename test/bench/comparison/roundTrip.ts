import { quantile } from "../samples.js";
import { type Figure, Row } from "./figure.js";
import { type Comparing, Ensemble } from "./rounds.js";

/** A request and its reply, one after the other. */
export async function compareRoundTrips(
  comparing: Comparing,
  { where = "", forMs = comparing.effort.askForMs } = {},
): Promise<Figure[]> {
  const ensemble = await Ensemble.open(comparing, "round-trip");
  const labels = comparing.entrants.map(({ label }) => label);
  const figures: Figure[] = [];
  try {
    for (const sizeBytes of comparing.sizes) {
      const what = `request and reply, ${sizeBytes} bytes${where}`;
      const median = new Row(`${what}: p50`, "µs", labels);
      const tail = new Row(`${what}: p99`, "µs", labels);
      await ensemble.alternate(async (cast, round, isCounted) => {
        const order = { kind: "ask", round, sizeBytes, forMs } as const;
        const { roundTripsUs, cpuMs } = await cast.caller.order(order, "asked");
        if (!isCounted) return;
        const sorted = roundTripsUs.toSorted((a, b) => a - b);
        median.add(cast.entrant.label, quantile(sorted, 0.5), {
          "in a round": sorted.length,
          "processor of the asker, each": `${((1000 * cpuMs) / sorted.length).toFixed(1)} µs`,
        });
        tail.add(cast.entrant.label, quantile(sorted, 0.99), {
          worst: `${Math.round(sorted.at(-1) ?? 0)} µs`,
        });
      });
      for (const row of [median, tail]) {
        for (const [label, problem] of ensemble.problems) row.fail(label, problem);
        figures.push(...row.figures);
      }
    }
  } finally {
    await ensemble.dispose();
  }
  return figures;
}
