import { existsSync, readFileSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import type { Machine } from "../bench/machine.js";
import type { Sample } from "./sample.js";
import type { SoakReport } from "./soakRun.js";
import { median } from "./trend.js";
import { describe } from "./verdict.js";

/** What is drawn; of each, one number in a bucket of time. */
export const DRAWN = ["heapMiB", "rssMiB", "descriptors", "handles", "delayP99Ms"] as const;
export type Drawn = (typeof DRAWN)[number];

const series = v.array(v.number());
const figuresSchema = v.object({
  heapMiB: series,
  rssMiB: series,
  descriptors: series,
  handles: series,
  delayP99Ms: series,
});

const TrackSchema = v.object({
  name: v.string(),
  /** Never restarted. */
  isSteady: v.boolean(),
  /** When the figures were taken, minutes since the load began. */
  minutes: series,
  figures: figuresSchema,
  restarts: v.array(v.object({ minute: v.number(), how: v.string() })),
});
/** One process over the time of a run. */
export type Track = v.InferOutput<typeof TrackSchema>;

const RunSchema = v.object({
  date: v.string(),
  node: v.string(),
  kernel: v.string(),
  processor: v.string(),
  cores: v.number(),
  memoryGiB: v.number(),
  loadBefore: v.number(),
  commit: v.nullable(v.string()),
  seed: v.number(),
  minutes: v.number(),
  warmUpMinutes: v.number(),
  /** Under load: of a core, all daemons together. */
  cpuPercent: v.number(),
  /** At the end, the largest. */
  databaseMiB: v.number(),
  calm: v.object({
    convergedMs: v.number(),
    quietMs: v.number(),
    quietBytesPerSecond: v.number(),
    budgetBytesPerSecond: v.number(),
  }),
  /** How often everything happened. */
  counts: v.record(v.string(), v.number()),
  verdict: v.array(v.string()),
  faults: v.array(v.string()),
  machine: TrackSchema,
  hosts: v.array(TrackSchema),
});
export type Run = v.InferOutput<typeof RunSchema>;

const FileSchema = v.object({ runs: v.array(RunSchema) });

/** So many numbers are kept of each figure of a process. */
const MOST_POINTS = 120;

/** Small enough to be kept, and to be drawn. */
export function runOf(machine: Machine, report: SoakReport): Run {
  const { seed, minutes, warmUpMinutes, hosts, calm, counts, judgements, faults } = report;
  const under = hosts.map(({ samples }) =>
    samples.filter(({ minute }) => minute >= warmUpMinutes && minute <= minutes),
  );
  const cpu = under.map((samples) => mean(samples.map(({ figures }) => figures.cpuPercent)));
  const databases = hosts.map(({ samples }) => samples.at(-1)?.figures.databaseMiB ?? 0);
  const track = (name: string, samples: readonly Sample[]): Track => ({
    name,
    isSteady: true,
    ...thinned(samples),
    restarts: [],
  });
  return {
    ...machine,
    seed,
    minutes,
    warmUpMinutes,
    cpuPercent: rounded(cpu.reduce((sum, percent) => sum + percent, 0)),
    databaseMiB: rounded(Math.max(...databases)),
    calm: {
      convergedMs: Math.round(calm.convergedMs),
      quietMs: Math.round(calm.quietMs),
      quietBytesPerSecond: Math.round(calm.quietBytesPerSecond),
      budgetBytesPerSecond: Math.round(calm.budgetBytesPerSecond),
    },
    counts,
    verdict: judgements.map(describe),
    faults: [...faults],
    machine: track("an idle process", report.machine),
    hosts: hosts.map(({ name, isSteady, samples, restarts }) => ({
      ...track(name, samples),
      isSteady,
      restarts: restarts.map(({ minute, how }) => ({ minute: rounded(minute), how })),
    })),
  };
}

/** The runs in a file, none if there is no file. */
export function readRuns(file: string): Run[] {
  if (!existsSync(file)) return [];
  return v.parse(FileSchema, JSON.parse(readFileSync(file, "utf8"))).runs;
}

/** Puts a run behind those in the file. */
export function appendRun(file: string, run: Run): Run[] {
  const runs = [...readRuns(file), run];
  // Lists of numbers on one line each.
  const json = JSON.stringify({ runs }, undefined, 1);
  const compact = json.replaceAll(/\[\s+(?=[-\d])[^\]"{]*\]/g, (list) =>
    list.replaceAll(/\s+/g, ""),
  );
  writeFileSync(file, `${compact}\n`);
  return runs;
}

/** Medians in buckets of equal time. */
function thinned(samples: readonly Sample[]): Pick<Track, "minutes" | "figures"> {
  const size = Math.ceil(samples.length / MOST_POINTS);
  const buckets: Sample[][] = [];
  for (let first = 0; first < samples.length; first += size) {
    buckets.push(samples.slice(first, first + size));
  }
  const of = (read: (sample: Sample) => number): number[] =>
    buckets.map((bucket) => rounded(median(bucket.map(read))));
  return {
    minutes: of(({ minute }) => minute),
    figures: {
      heapMiB: of(({ figures }) => figures.heapMiB),
      rssMiB: of(({ figures }) => figures.rssMiB),
      descriptors: of(({ figures }) => figures.descriptors),
      handles: of(({ figures }) => figures.handles),
      delayP99Ms: of(({ figures }) => figures.delayP99Ms),
    },
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function rounded(value: number): number {
  return Number(value.toFixed(2));
}
