/** The verdict over a daemon's samples: what may grow, and what may not. */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../support/seededRandom.js";
import type { Figures, Sample } from "./sample.js";
import { describe as inWords, judge } from "./verdict.js";

const FLAT: Figures = {
  heapMiB: 20,
  codeMiB: 3,
  rssMiB: 90,
  descriptors: 30,
  handles: 12,
  timers: 2,
  delayMeanMs: 0.2,
  delayP99Ms: 3,
  delayMaxMs: 20,
  databaseMiB: 5,
  cpuPercent: 4,
};
const SPAN = { fromMinute: 2, toMinute: 10 };

/** Ten minutes, a sample each 10 s; `grown` adds to the noise, by minute. */
function samples(seed: number, grown: (minute: number) => Partial<Figures> = () => ({})): Sample[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: 60 }, (_, i) => {
    const minute = i / 6;
    const noise = {
      heapMiB: FLAT.heapMiB + random.uniform() - 0.5,
      rssMiB: FLAT.rssMiB + 4 * random.uniform() - 2,
      descriptors: FLAT.descriptors + Math.floor(6 * random.uniform()),
      handles: FLAT.handles + Math.floor(6 * random.uniform()),
      delayP99Ms: FLAT.delayP99Ms + 4 * random.uniform(),
    };
    const figures: Figures = { ...FLAT, ...noise };
    const more = grown(minute);
    const sum = Object.fromEntries(
      Object.entries(more).map(([name, value]) => [name, value + valueOf(figures, name)]),
    );
    return { minute, life: 0, figures: { ...figures, ...sum } };
  });
}

function valueOf(figures: Figures, name: string): number {
  return Object.entries(figures).find(([key]) => key === name)?.[1] ?? 0;
}

function growing(of: readonly Sample[], machine: readonly Sample[] = samples(7)): string[] {
  const judgements = judge({ host: "steady0", samples: of }, machine, SPAN);
  return judgements.filter(({ isFlat }) => !isFlat).map(({ name }) => name);
}

describe("a daemon is flat", () => {
  it("if there is noise alone", () => {
    for (let seed = 1; seed <= 50; seed += 1)
      expect(growing(samples(seed)), `seed ${seed}`).toEqual([]);
  });

  it("if it grew before it is judged", () => {
    expect(growing(samples(1, (minute) => ({ heapMiB: Math.min(minute, 2) * 20 })))).toEqual([]);
  });

  it("if a bounded collection took something in, once", () => {
    const once = (minute: number) => ({
      heapMiB: minute > 6 ? 0.4 : 0,
      descriptors: minute > 6 ? 1 : 0,
    });
    expect(growing(samples(1, once))).toEqual([]);
  });

  it("if its event loop waits no more than that of an idle process", () => {
    const slower = (minute: number) => ({ delayP99Ms: 10 * minute });
    expect(growing(samples(1, slower), samples(7, slower))).toEqual([]);
  });
});

describe("a daemon is not flat", () => {
  it.each([
    ["heapMiB", 1],
    ["rssMiB", 2],
    ["descriptors", 2],
    ["handles", 2],
    ["timers", 1],
    ["delayP99Ms", 2],
  ] as const)("if %s grows by %d a minute", (name, perMinute) => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const grown = samples(seed, (minute) => ({ [name]: perMinute * minute }));
      expect(growing(grown), `seed ${seed}`).toEqual([name]);
    }
  });

  it("if it was hardly looked at", () => {
    expect(growing(samples(1).slice(0, 15))).toContain("heapMiB");
  });
});

it("a judgement names daemon, figure, growth and what is allowed", () => {
  const grown = samples(3, (minute) => ({ timers: minute }));
  const [timers] = judge({ host: "steady0", samples: grown }, [], SPAN).filter(
    ({ name }) => name === "timers",
  );
  if (timers === undefined) return expect.unreachable();
  expect(inWords(timers)).toMatch(
    /^GROWS: steady0 timers \S+ to \S+, \+60\.00 \(\+60\.00 to \+60\.00\) an hour, at most \+16\.0$/,
  );
  return undefined;
});
