import type { FigureName, Sample } from "./sample.js";
import { median, type Trend, theilSen } from "./trend.js";

/** How much a figure may grow before that is a leak. */
interface Bound {
  readonly name: FigureName;
  readonly unit: string;
  readonly perHour: number;
  /** Beyond that, however long the run: what bounded collections take in when they happen to. */
  readonly once: number;
}

/**
 * What may grow, and why at all. The event log (4096 lines) is full before anything is judged; the
 * archive of a group holds numbers as ranges, the rest of its 10,000 datagrams is on the disk. Each
 * start of a neighbour leaves a stream with every member of its groups (at most 2048), some hundred
 * bytes, and a link with a session with who talked to it, some 30 KiB, for ten minutes (and at most
 * 16 links for each device). Long texts come and go in the event log, and V8 learns: together less
 * than 1 MiB. Resident memory has compiled code, the page cache of SQLite and what the allocators
 * keep for later on top of that.
 */
const BOUNDS: readonly Bound[] = [
  { name: "heapMiB", unit: "MiB", perHour: 2, once: 1 },
  { name: "rssMiB", unit: "MiB", perHour: 4, once: 8 },
  { name: "descriptors", unit: "", perHour: 1, once: 2 },
  { name: "handles", unit: "", perHour: 1, once: 2 },
  { name: "timers", unit: "", perHour: 1, once: 2 },
  { name: "delayP99Ms", unit: "ms", perHour: 2, once: 4 },
];

/** Of one figure of one daemon. */
export interface Judgement {
  readonly host: string;
  readonly name: FigureName;
  readonly unit: string;
  /** Of the first third of what is judged, and of the last one. */
  readonly first: number;
  readonly last: number;
  /** For each hour. Undefined: there are too few samples. */
  readonly trend: Trend | undefined;
  /** For each hour, with what may grow once spread over the time that is judged. */
  readonly allowed: number;
  /** False if the figure grows by more than is allowed, with 99 % confidence, or nothing is known. */
  readonly isFlat: boolean;
}

export interface Judged {
  readonly host: string;
  /** All of one life. */
  readonly samples: readonly Sample[];
}

const MINUTES_PER_HOUR = 60;

/**
 * Whether a daemon that lived through the whole run stayed as it was between two minutes. The delay
 * of its event loop is what it has beyond `machine`, a process that does nothing: others' work on
 * the same machine is not its own.
 */
export function judge(
  { host, samples }: Judged,
  machine: readonly Sample[],
  { fromMinute, toMinute }: { readonly fromMinute: number; readonly toMinute: number },
): Judgement[] {
  const within = samples.filter(({ minute }) => minute >= fromMinute && minute <= toMinute);
  const hours = (toMinute - fromMinute) / MINUTES_PER_HOUR;
  return BOUNDS.map(({ name, unit, perHour, once }) => {
    const points = within.map((sample) => ({
      x: sample.minute / MINUTES_PER_HOUR,
      y: name === "delayP99Ms" ? beyond(machine, sample) : sample.figures[name],
    }));
    const trend = theilSen(points);
    const allowed = perHour + once / hours;
    const third = Math.ceil(points.length / 3);
    const middleOf = (part: typeof points): number => median(part.map(({ y }) => y));
    return {
      host,
      name,
      unit,
      first: middleOf(points.slice(0, third)),
      last: middleOf(points.slice(-third)),
      trend,
      allowed,
      isFlat: trend !== undefined && trend.low <= allowed,
    };
  });
}

/** What is the daemon's own of its delay: beyond what the idle process had at about that time. */
function beyond(machine: readonly Sample[], { minute, figures }: Sample): number {
  let nearest: Sample | undefined;
  for (const sample of machine) {
    const isNearer =
      nearest === undefined || Math.abs(sample.minute - minute) < Math.abs(nearest.minute - minute);
    if (isNearer) nearest = sample;
  }
  return figures.delayP99Ms - (nearest?.figures.delayP99Ms ?? 0);
}

/** One line for people. */
export function describe({
  host,
  name,
  unit,
  first,
  last,
  trend,
  allowed,
  isFlat,
}: Judgement): string {
  const figures = `${first.toFixed(2)} to ${last.toFixed(2)} ${unit}`.trimEnd();
  const slope =
    trend === undefined
      ? "too few samples"
      : `${signed(trend.slope)} (${signed(trend.low)} to ${signed(trend.high)}) an hour`;
  const end = isFlat ? "flat" : "GROWS";
  return `${end}: ${host} ${name} ${figures}, ${slope}, at most +${allowed.toFixed(1)}`;
}

function signed(value: number): string {
  return `${value < 0 ? "" : "+"}${value.toFixed(2)}`;
}
