import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hunt } from "./hunt.js";
import { INVARIANTS } from "./invariants.js";
import { replayCommand } from "./shrink.js";

/** CI lives through many more: `npm run sim`. */
const SEEDS = 100;
const SEEDS_PER_TEST = 25;

describe("whole messengers under work and faults", () => {
  for (let from = 1; from <= SEEDS; from += SEEDS_PER_TEST) {
    const to = from + SEEDS_PER_TEST - 1;
    it(`hold every invariant: seeds ${from} to ${to}`, { timeout: 240_000 }, async () => {
      for (let seed = from; seed <= to; seed += 1) {
        const { failure } = await hunt(seed);
        expect(failure, replayCommand(seed, {})).toBeUndefined();
      }
    });
  }
});

describe("the invariants", () => {
  it("are all that anybody calls broken, each once", () => {
    const folder = new URL(".", import.meta.url);
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
    const told = files
      .filter((file) => file.endsWith(".ts"))
      .map((file) => readFileSync(new URL(file, folder), "utf8"))
      .flatMap((source) => [...source.matchAll(/\bfault\(\s*"(\w+)"/g)].map(([, name]) => name));
    const names = INVARIANTS.map(({ name }) => name);
    expect(told.length).toBeGreaterThan(10);
    expect(told.filter((name) => name === undefined || !names.includes(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("a seed", () => {
  it("is the same run every time, datagram by datagram", async () => {
    for (const seed of [10, 11]) {
      const [first, second] = [await hunt(seed, TRACED), await hunt(seed, TRACED)];
      expect(first.trace.length).toBeGreaterThan(500);
      expect(second.trace).toEqual(first.trace);
      expect((await hunt(seed + 1, TRACED)).trace).not.toEqual(first.trace);
    }
  });
});

const TRACED = { datagrams: true };
