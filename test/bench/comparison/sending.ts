import type { Play } from "./cast.js";
import { type Figure, Row } from "./figure.js";
import { type Comparing, Ensemble, type Transfer, transfer } from "./rounds.js";

/** As fast as it goes: to one receiver, or to the members of a group; what they get together. */
export async function compareSending(
  comparing: Comparing,
  play: Exclude<Play, "round-trip">,
  { where = "", forMs = comparing.effort.sendForMs } = {},
): Promise<Figure[]> {
  const ensemble = await Ensemble.open(comparing, play);
  const labels = comparing.entrants.map(({ label }) => label);
  const whom =
    play === "group" ? "one sender to a group of 4, delivered" : "one sender to one receiver";
  const figures: Figure[] = [];
  try {
    for (const sizeBytes of comparing.sizes) {
      const row = new Row(`${whom}, ${sizeBytes} bytes${where}`, "messages/s", labels);
      await ensemble.alternate(async (cast, round, isCounted) => {
        const result = await transfer(cast, { round, sizeBytes, forMs });
        if (isCounted) row.add(cast.entrant.label, result.receivedPerSecond, factsOf(result));
      });
      for (const [label, problem] of ensemble.problems) row.fail(label, problem);
      figures.push(...row.figures);
    }
  } finally {
    await ensemble.dispose();
  }
  return figures;
}

/** Of the last round. */
function factsOf({
  sent,
  sentPerSecond,
  cpuMs,
  counts,
}: Transfer): Record<string, number | string> {
  const expected = sent * counts.length;
  const received = counts.reduce((sum, count) => sum + count.received, 0);
  const receiving = counts.reduce((sum, count) => sum + count.cpuMs, 0);
  const us = (ms: number, messages: number): string => ((1000 * ms) / messages).toFixed(1);
  const cost = { "processor, each": `${us(cpuMs, sent)} + ${us(receiving, received)} µs` };
  if (received === expected) return cost;
  return {
    ...cost,
    "sent/s": Math.round(sentPerSecond),
    lost: `${((100 * (expected - received)) / expected).toFixed(1)} %`,
  };
}
