/** The short form of the crash run; by hand: `node test/crash/run.js --kills 300`. */
import { beforeAll, describe, expect, it } from "vitest";
import { buildBin } from "../support/cliWorld.js";
import { runCrashes } from "./crashRun.js";

const KILLS = 12;
/** Nothing here measures speed. */
const LIMIT_MS = 180_000;

describe("daemons that are killed at random instants", () => {
  beforeAll(buildBin);

  it(
    "keep every promise, and show nothing twice",
    async () => {
      const seed = Math.floor(Math.random() * 2 ** 32);
      const { faults, kills, summary } = await runCrashes({ kills: KILLS, seed });
      process.stderr.write(`${summary}\n`);
      expect(faults, `seed ${seed}`).toEqual([]);
      expect(kills).toBeGreaterThanOrEqual(KILLS);
    },
    LIMIT_MS,
  );
});
