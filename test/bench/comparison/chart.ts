import { svgOf } from "../../support/drawing.js";
import type { Figure } from "./figure.js";

const WIDTH = 1000;
const LEFT = 150;
const RIGHT = 200;
const HEAD = 76;
const TITLE = 30;
const BAR = 18;
const GAP = 26;

const LIGHT = `
  .bar { fill: #8b949c; }
  .ours { fill: #1f6fb4; }
  .base { stroke: #c2741f; stroke-width: 1.5; stroke-dasharray: 4 3; }
  .spread { stroke: #33383d; stroke-width: 1.2; }`;
const DARK = `
  .bar { fill: #7d8790; }
  .ours { fill: #62aef0; }
  .base { stroke: #e8a05c; }
  .spread { stroke: #e3e7ea; }`;

/** A bar for each entrant of each row; of each row its own scale. `facts`: of the machine. */
export function drawFigures(figures: readonly Figure[], facts: string): string {
  const names = [...new Set(figures.map(({ what }) => what))];
  const rows = names.map((name) => [name, figures.filter(({ what }) => what === name)] as const);
  const parts: string[] = [];
  let y = HEAD;
  for (const [what, row] of rows) {
    parts.push(...drawRow(what, row, y));
    y += TITLE + row.length * BAR + GAP;
  }
  const title = "udpchat beside others, on one machine and in the same run";
  return svgOf({ width: WIDTH, height: y, title, light: LIGHT, dark: DARK }, [
    `<text class="title" x="24" y="30">${title}</text>`,
    `<text class="small" x="24" y="50">${escaped(facts)}; medians of the rounds, least to most; dashed: the first of a row</text>`,
    ...parts,
  ]);
}

function drawRow(what: string, row: readonly Figure[], top: number): string[] {
  const unit = row[0]?.unit ?? "";
  // What one bad round made of the slowest is not to hide the others: its line is cut off.
  const highest = Math.max(1e-9, ...row.map(({ summary }) => summary?.median ?? 0));
  const x = (value: number): number =>
    LEFT + (Math.min(value / highest, 1.08) * (WIDTH - LEFT - RIGHT)) / 1.08;
  const better = unit === "messages/s" ? "more is better" : "less is better";
  const bottom = top + TITLE + row.length * BAR;
  const base = row[0]?.summary?.median;
  const dashed =
    base === undefined
      ? []
      : [`<path class="base" d="M${rounded(x(base))} ${top + TITLE - 6}V${bottom}"/>`];
  return [
    `<text class="name" x="24" y="${top + 14}">${escaped(what)} <tspan class="small">(${unit}, ${better})</tspan></text>`,
    ...row.flatMap((figure, i) => drawBar(figure, top + TITLE + i * BAR, x)),
    ...dashed,
  ];
}

function drawBar(figure: Figure, y: number, x: (value: number) => number): string[] {
  const { entrant, summary, ratio } = figure;
  const middle = y + BAR / 2;
  const name = `<text class="small" x="${LEFT - 8}" y="${middle + 2}" text-anchor="end">${escaped(entrant)}</text>`;
  if (summary === undefined) {
    return [name, `<text class="small" x="${LEFT + 6}" y="${middle + 2}">not measured</text>`];
  }
  const kind = entrant.startsWith("udpchat") ? "bar ours" : "bar";
  const { median, least, most } = summary;
  const words = `${median.toLocaleString("en")}${ratio === undefined ? "" : `, ${ratio.median}x`}`;
  return [
    name,
    `<rect class="${kind}" x="${LEFT}" y="${y}" width="${rounded(Math.max(1, x(median) - LEFT))}" height="${BAR - 6}"/>`,
    `<path class="spread" d="M${rounded(x(least))} ${y + 6}H${rounded(x(most))}"/>`,
    `<text class="small" x="${rounded(Math.max(x(median), x(most)) + 8)}" y="${middle + 2}">${words}</text>`,
  ];
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function rounded(value: number): number {
  return Number(value.toFixed(1));
}
