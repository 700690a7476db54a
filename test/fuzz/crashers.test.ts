/** Every input that ever failed, and a short fuzz of every target. The long one: `npm run fuzz`. */
import { describe, expect, it } from "vitest";
import { keptCrashers } from "./crasher.js";
import { lifeSeed, live, replay } from "./life.js";
import { TARGETS } from "./targets.js";

const SEED = 20_261;
const INPUTS = 20_000;
/** So that each target gets far enough, however small its share. */
const LEAST_INPUTS = 100;
/** Nothing here measures speed. */
const LIMIT_MS = 120_000;

const weightInAll = TARGETS.reduce((sum, { weight }) => sum + weight, 0);

describe("what failed once", () => {
  const kept = keptCrashers();

  it.each(kept)("does not fail any more: $file", async ({ crasher }) => {
    const target = TARGETS.find(({ name }) => name === crasher.target);
    if (target === undefined) throw new Error(`no target ${crasher.target}`);
    expect(await replay(target, crasher.seed, crasher.inputs)).toBeUndefined();
  });
});

describe("a short fuzz", () => {
  it.each(TARGETS)(
    "of $name",
    async (target) => {
      const share = Math.max(LEAST_INPUTS, Math.round((INPUTS * target.weight) / weightInAll));
      let accepted = 0;
      for (let fed = 0, index = 0; fed < share; index += 1) {
        const count = Math.min(target.lifetimeInputs, share - fed);
        const seed = lifeSeed(SEED, target.name, index);
        const report = await live(target, seed, count);
        const last = JSON.stringify(report.failure?.inputs.at(-1));
        expect(report.failure?.error, `life seed ${seed}, at ${last}`).toBeUndefined();
        fed += report.inputs;
        accepted += report.accepted;
      }
      expect(accepted).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );
});
