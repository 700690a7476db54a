import {
  type GroupTraffic,
  quietBudgetBytes,
  type SentBytes,
  simulateGroupTraffic,
} from "../../support/groupTraffic.js";
import { type Result, resultOf } from "../result.js";

const SEEDS = [1, 2];
const NODES = 50;
const LINES_EACH = 5;
const LOSS_PERCENT = 10;

/** What it costs that everybody ends up with everything: counted on a simulated network. */
export async function measureConverging(): Promise<Result[]> {
  const runs = SEEDS.map((seed) =>
    simulateGroupTraffic({ seed, nodes: NODES, linesEach: LINES_EACH, lossPercent: LOSS_PERCENT }),
  );
  const unequal = runs.filter(({ equal }) => !equal).map(({ seed }) => seed);
  const trouble =
    unequal.length === 0 ? {} : { problem: `FAILED: not equal with seed ${unequal.join(", ")}` };
  const [first] = runs;
  if (first === undefined) return [];
  const of = `${NODES} nodes x ${LINES_EACH} lines, ${LOSS_PERCENT} % loss, simulated`;
  return [
    resultOf(
      `${of}: NACKs, repairs and sync to bytes lost`,
      runs.map(({ ratio }) => ratio),
      { unit: "times", facts: costsOf(first), ...trouble },
    ),
    resultOf(
      "the same: last line to everybody equal",
      runs.map(({ convergedMs }) => convergedMs),
    ),
    resultOf(
      "the same, minutes later: all that all nodes send",
      runs.map(({ quiet, quietMs }) => (1000 * totalOf(quiet)) / quietMs),
      {
        unit: "bytes/s",
        facts: {
          "beacons and steady heartbeats may take": budgetOf(first),
          ...factsOf(first.quiet),
        },
      },
    ),
  ];
}

function costsOf({ lostBytes, busy }: GroupTraffic): Record<string, number> {
  return { "lost bytes": lostBytes, ...factsOf(busy) };
}

function budgetOf({ nodes, quietMs }: GroupTraffic): string {
  return `${Math.round((1000 * quietBudgetBytes(nodes, quietMs)) / quietMs)} bytes/s`;
}

function factsOf(sent: SentBytes): Record<string, number> {
  return Object.fromEntries(Object.entries(sent).filter(([, bytes]) => bytes > 0));
}

function totalOf(sent: SentBytes): number {
  return Object.values(sent).reduce((sum, bytes) => sum + bytes, 0);
}
