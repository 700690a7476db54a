import { svgOf } from "../support/drawing.js";
import type { Drawn, Run, Track } from "./record.js";

/** What is drawn, one below the other. */
const PANELS: readonly { readonly figure: Drawn; readonly title: string }[] = [
  { figure: "heapMiB", title: "Heap in use after a full collection, without compiled code, MiB" },
  { figure: "rssMiB", title: "Resident memory, MiB" },
  { figure: "descriptors", title: "Open file descriptors" },
  { figure: "handles", title: "Active handles and timers" },
  { figure: "delayP99Ms", title: "Event-loop delay, 99th percentile of ten seconds, ms" },
];

const WIDTH = 1000;
const LEFT = 56;
const RIGHT = 16;
const HEAD = 96;
const STRIP_ROW = 7;
const PANEL = 120;
const GAP = 44;
const FOOT = 34;
/** Between two runs. */
const BETWEEN = 14;
/** More than that many intervals make an axis hard to read. */
const MOST_INTERVALS = 4;
const MOST_TICKS = 12;

/** Daemons differ by width as well as by colour. */
const LIGHT = `
  .grid { stroke: #d5dade; stroke-width: 1; }
  .warm { fill: #eef1f4; }
  .end { stroke: #8b949c; stroke-width: 1; stroke-dasharray: 2 3; }
  .line { fill: none; stroke-linejoin: round; stroke-linecap: round; }
  .moving { stroke: #c2741f; stroke-width: 0.8; opacity: 0.75; }
  .steady { stroke: #1f6fb4; stroke-width: 1.5; opacity: 0.85; }
  .machine { stroke: #33383d; stroke-width: 1.2; stroke-dasharray: 5 3; }
  .kill { fill: #c2741f; }
  .term { fill: none; stroke: #c2741f; stroke-width: 1; }`;
const DARK = `
  .grid { stroke: #333b43; }
  .warm { fill: #1f252b; }
  .end { stroke: #7d8790; }
  .moving { stroke: #e8a05c; }
  .steady { stroke: #62aef0; }
  .machine { stroke: #e3e7ea; }
  .kill { fill: #e8a05c; }
  .term { stroke: #e8a05c; }`;

/** Where a run lies from left to right. */
interface Placed {
  readonly run: Run;
  readonly left: number;
  readonly right: number;
  readonly x: (minute: number) => number;
}

/** All runs beside each other, in one picture: SVG that needs nothing beside it. */
export function draw(runs: readonly Run[]): string {
  const placed = place(runs);
  const rows = Math.max(0, ...runs.map(({ hosts }) => movingOf(hosts).length));
  const strip = HEAD + rows * STRIP_ROW;
  const top = (panel: number): number => strip + GAP + panel * (PANEL + GAP);
  const bottom = top(PANELS.length - 1) + PANEL;
  const height = bottom + FOOT;
  const title = titleOf(runs);
  return svgOf({ width: WIDTH, height, title, light: LIGHT, dark: DARK }, [
    ...head(runs, title),
    ...placed.flatMap((each) => shades(each, bottom)),
    ...placed.flatMap((each) => restarts(each)),
    ...PANELS.flatMap(({ figure, title }, i) => panel(placed, figure, title, top(i))),
    ...placed.flatMap((each) => minutes(each, bottom)),
  ]);
}

function place(runs: readonly Run[]): Placed[] {
  const ends = runs.map((run) => Math.max(run.minutes, ...tracksOf(run).flatMap((t) => t.minutes)));
  const total = ends.reduce((sum, end) => sum + end, 0);
  const width = WIDTH - LEFT - RIGHT - BETWEEN * Math.max(0, runs.length - 1);
  let left = LEFT;
  return runs.map((run, i) => {
    const start = left;
    const scale = width / total;
    const right = start + (ends[i] ?? 0) * scale;
    left = right + BETWEEN;
    return { run, left: start, right, x: (minute) => start + minute * scale };
  });
}

function titleOf(runs: readonly Run[]): string {
  const hosts = runs[0]?.hosts.length ?? 0;
  const all = runs.reduce((sum, run) => sum + run.minutes, 0);
  return `${hosts} daemons for ${rounded(all)} minutes: 20 % loss, flapping interfaces, partitions, restarts`;
}

function head(runs: readonly Run[], title: string): string[] {
  const [first] = runs;
  const hosts = first?.hosts.length ?? 0;
  const steady = first?.hosts.filter(({ isSteady }) => isSteady).length ?? 0;
  const key: readonly [string, string, number][] = [
    ["steady", `${steady} that are never restarted`, 0],
    ["moving", `${hosts - steady} that are restarted`, 200],
    ["machine", "an idle process", 380],
  ];
  return [
    `<text class="title" x="${LEFT}" y="26">${title}</text>`,
    ...key.flatMap(([kind, words, x]) => [
      `<path class="line ${kind}" d="M${LEFT + x} 46h24"/>`,
      `<text class="small" x="${LEFT + x + 30}" y="50">${words}</text>`,
    ]),
    `<text class="small" x="${LEFT + 530}" y="50">shaded: warming up; dotted: load and trouble end</text>`,
    `<text class="name" x="${LEFT}" y="${HEAD - 16}">Restarts <tspan class="small">(SIGTERM ○, kill -9 ●; a row for each daemon)</tspan></text>`,
  ];
}

function shades({ run, left, x }: Placed, bottom: number): string[] {
  const top = HEAD - 8;
  return [
    box("warm", left, top, x(run.warmUpMinutes) - left, bottom - top),
    `<path class="end" d="M${rounded(x(run.minutes))} ${top}V${bottom}"/>`,
  ];
}

function restarts({ run, x }: Placed): string[] {
  return movingOf(run.hosts).flatMap((track, row) =>
    track.restarts
      .filter(({ minute }) => minute >= 0)
      .map(({ minute, how }) => {
        const kind = how === "SIGKILL" ? "kill" : "term";
        const y = HEAD + (row + 0.5) * STRIP_ROW;
        return `<circle class="${kind}" cx="${rounded(x(minute))}" cy="${y}" r="2"/>`;
      }),
  );
}

function panel(placed: readonly Placed[], figure: Drawn, title: string, top: number): string[] {
  const drawn = (run: Run): Track[] =>
    figure === "delayP99Ms" ? tracksOf(run) : [...movingOf(run.hosts), ...steadyOf(run.hosts)];
  // What starts is busy with that: it does not set the scale, and is cut off.
  const most = Math.max(
    1,
    ...placed.flatMap(({ run }) =>
      drawn(run).flatMap((track) => (track.isSteady ? track.figures[figure] : [])),
    ),
  );
  const step = niceStep(most / MOST_INTERVALS);
  const highest = Math.ceil(most / step) * step;
  const y = (value: number): number => top + PANEL * (1 - Math.min(value, highest) / highest);
  const ticks = Array.from({ length: Math.round(highest / step) + 1 }, (_, i) => i * step);
  return [
    `<text class="name" x="${LEFT}" y="${top - 8}">${title}</text>`,
    ...ticks.flatMap((tick) => [
      `<path class="grid" d="M${LEFT} ${rounded(y(tick))}H${WIDTH - RIGHT}"/>`,
      `<text class="small" x="${LEFT - 6}" y="${rounded(y(tick) + 4)}" text-anchor="end">${rounded(tick)}</text>`,
    ]),
    ...placed.flatMap(({ run, x }) =>
      drawn(run).map((track) => {
        const kind = track === run.machine ? "machine" : track.isSteady ? "steady" : "moving";
        return `<path class="line ${kind}" d="${pathOf(track, figure, x, y)}"><title>${track.name}</title></path>`;
      }),
    ),
  ];
}

/** Begins anew behind each restart. */
function pathOf(
  { minutes: at, figures, restarts: breaks }: Track,
  figure: Drawn,
  x: (minute: number) => number,
  y: (value: number) => number,
): string {
  let before = Number.NEGATIVE_INFINITY;
  return figures[figure]
    .map((value, i) => {
      const minute = at[i] ?? 0;
      const from = before;
      before = minute;
      const isBroken =
        from === Number.NEGATIVE_INFINITY ||
        breaks.some((restart) => restart.minute > from && restart.minute <= minute);
      return `${isBroken ? "M" : "L"}${rounded(x(minute))} ${rounded(y(value))}`;
    })
    .join("");
}

function minutes({ run, left, right, x }: Placed, bottom: number): string[] {
  const span = (run.minutes * (right - left)) / (x(run.minutes) - left);
  const room = Math.max(2, Math.round((MOST_TICKS * (right - left)) / (WIDTH - LEFT - RIGHT)));
  const step = niceStep(span / room);
  const ticks = Array.from({ length: Math.floor(span / step) + 1 }, (_, i) => i * step);
  return [
    ...ticks.map(
      (tick) =>
        `<text class="small" x="${rounded(x(tick))}" y="${bottom + 15}" text-anchor="middle">${rounded(tick)}</text>`,
    ),
    `<text class="small" x="${rounded((left + right) / 2)}" y="${bottom + 29}" text-anchor="middle">minutes, seed ${run.seed}</text>`,
  ];
}

function tracksOf(run: Run): Track[] {
  return [...movingOf(run.hosts), ...steadyOf(run.hosts), run.machine];
}

function steadyOf(hosts: readonly Track[]): Track[] {
  return hosts.filter(({ isSteady }) => isSteady);
}

function movingOf(hosts: readonly Track[]): Track[] {
  return hosts.filter(({ isSteady }) => !isSteady);
}

function box(kind: string, x: number, y: number, width: number, height: number): string {
  return `<rect class="${kind}" x="${rounded(x)}" y="${rounded(y)}" width="${rounded(width)}" height="${rounded(height)}"/>`;
}

/** 1, 2 or 5 times a power of ten, at least so much. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5].find((factor) => factor * power >= least) ?? 10);
}

function rounded(value: number): number {
  return Number(value.toFixed(1));
}
