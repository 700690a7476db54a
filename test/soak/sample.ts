import * as v from "valibot";

/** What `probe.js` writes. */
export const ProbeLineSchema = v.object({
  /** Used after a full collection, with what is held outside of it, without compiled code. */
  heapBytes: v.number(),
  codeBytes: v.number(),
  /** Resident, after that collection. */
  rssBytes: v.number(),
  /** Open file descriptors. */
  descriptors: v.number(),
  /** What keeps the event loop going (`process.getActiveResourcesInfo`), counted by kind. */
  resources: v.record(v.string(), v.number()),
  /** Of the event loop since the line before, without collections that the probe asked for. */
  delay: v.object({ meanMs: v.number(), p99Ms: v.number(), maxMs: v.number() }),
  /** Of all threads, since the start. */
  cpuMs: v.number(),
});
export type ProbeLine = v.InferOutput<typeof ProbeLineSchema>;

/** What is drawn and judged of a daemon, by name. */
export interface Figures {
  readonly heapMiB: number;
  /** Compiled, and bytecode. */
  readonly codeMiB: number;
  readonly rssMiB: number;
  readonly descriptors: number;
  /** Everything that keeps the event loop going. */
  readonly handles: number;
  /** Of those, timers. */
  readonly timers: number;
  readonly delayMeanMs: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
  /** The database and what belongs to it. */
  readonly databaseMiB: number;
  /** Of a core, since the line before. */
  readonly cpuPercent: number;
}
export type FigureName = keyof Figures;

/** A daemon at one time. */
export interface Sample {
  /** Minutes since the load began. */
  readonly minute: number;
  /** How often the daemon was started before; growth is judged within one of them. */
  readonly life: number;
  readonly figures: Figures;
}

/** What the daemon itself says of what is bounded, and of what happened since its start. */
export interface Tallies {
  readonly usage: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
}

const BYTES_PER_MIB = 1024 * 1024;

/** `before`: the line before of the same process, so much earlier. */
export function figuresOf(
  line: ProbeLine,
  databaseBytes: number,
  before?: { readonly line: ProbeLine; readonly elapsedMs: number },
): Figures {
  const cpuMs = before === undefined ? 0 : line.cpuMs - before.line.cpuMs;
  return {
    heapMiB: line.heapBytes / BYTES_PER_MIB,
    codeMiB: line.codeBytes / BYTES_PER_MIB,
    rssMiB: line.rssBytes / BYTES_PER_MIB,
    descriptors: line.descriptors,
    handles: Object.values(line.resources).reduce((sum, count) => sum + count, 0),
    timers: line.resources["Timeout"] ?? 0,
    delayMeanMs: line.delay.meanMs,
    delayP99Ms: line.delay.p99Ms,
    delayMaxMs: line.delay.maxMs,
    databaseMiB: databaseBytes / BYTES_PER_MIB,
    cpuPercent: before === undefined ? 0 : (100 * cpuMs) / before.elapsedMs,
  };
}
