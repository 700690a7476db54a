import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Arena, Site } from "./comparison/cast.js";
import { drawFigures } from "./comparison/chart.js";
import { ENTRANTS } from "./comparison/entrants.js";
import { type Figure, tableOfFigures } from "./comparison/figure.js";
import { compareUnderLoss } from "./comparison/loss.js";
import { tellProfiles } from "./comparison/profile.js";
import { type Comparing, FULL_EFFORT, QUICK_EFFORT } from "./comparison/rounds.js";
import { compareRoundTrips } from "./comparison/roundTrip.js";
import { compareSending } from "./comparison/sending.js";
import type { Job, JobOptions, JobReport } from "./job.js";

const MEASURES: readonly (readonly [string, (comparing: Comparing) => Promise<Figure[]>])[] = [
  ["round-trip", (comparing) => compareRoundTrips(comparing)],
  ["one-way", (comparing) => compareSending(comparing, "one-way")],
  ["group", (comparing) => compareSending(comparing, "group")],
  ["loss", compareUnderLoss],
];
/** Bytes of text: the second nearly fills a datagram of ours. */
const SIZES = [64, 1024];
const LOOPBACK: Site = { prefix: [], address: "127.0.0.1", interfaceName: "lo" };

export const MEASURE_NAMES = MEASURES.map(([name]) => name);
export const ENTRANT_NAMES = ENTRANTS.map(({ name }) => name);

async function run(options: JobOptions): Promise<JobReport> {
  const { loopback, quick, measures, contenders, sizes, profiles, tell, atTheEnd } = options;
  const folder = mkdtempSync(join(tmpdir(), "udpchat-bench-"));
  atTheEnd(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  if (profiles !== undefined) mkdirSync(profiles, { recursive: true });
  const arena: Arena = { near: LOOPBACK, far: LOOPBACK, folder, profiles };
  const isWanted = (names: readonly string[], name: string): boolean =>
    names.length === 0 || names.includes(name);
  const comparing: Comparing = {
    entrants: ENTRANTS.filter(({ name }) => isWanted(contenders, name)),
    arena,
    sizes: sizes.length === 0 ? SIZES : sizes,
    effort: quick ? QUICK_EFFORT : FULL_EFFORT,
    loopback,
    tell,
  };
  const figures: Figure[] = [];
  for (const [name, measure] of MEASURES) {
    if (!isWanted(measures, name)) continue;
    tell(`comparing: ${name}`);
    const startMs = performance.now();
    figures.push(...(await measure(comparing)));
    tell(`took ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
  }
  if (profiles !== undefined) await tellProfiles(profiles, tell);
  return {
    network: `loopback interface of one host; under loss ${loopback ? "not measured" : "two network namespaces on a bridge"}`,
    results: figures,
    table: tableOfFigures(figures),
    chart: (facts) => drawFigures(figures, facts),
    failed: figures.some(({ problem }) => problem?.startsWith("FAILED") === true),
  };
}

export const compareJob: Job = {
  name: "compare",
  what: "beside raw dgram, TCP, ws, NATS, ZeroMQ and MQTT (6 minutes)",
  run,
};
