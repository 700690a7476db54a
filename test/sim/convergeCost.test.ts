import { describe, expect, it } from "vitest";
import { quietBudgetBytes, simulateGroupTraffic } from "../support/groupTraffic.js";

/** Bytes of NACKs, repairs and synchronisation for each byte lost. */
const MOST_PER_BYTE_LOST = 3;
/** Minutes of 50 nodes are some seconds of a processor. */
const LIMIT_MS = 240_000;

describe("50 nodes that lose every tenth datagram", () => {
  it("converge at a bounded price, and fall silent", { timeout: LIMIT_MS }, () => {
    const run = simulateGroupTraffic({ seed: 1, nodes: 50, linesEach: 4, lossPercent: 10 });
    const why = JSON.stringify(run);
    const { busy, quiet, ratio } = run;
    process.stderr.write(`repairs cost ${ratio.toFixed(2)} times the bytes lost: ${why}\n`);
    expect(run.equal, why).toBe(true);
    expect(run.lostBytes, why).toBeGreaterThan(0);
    expect(busy.repairs, why).toBeGreaterThan(0);
    expect(ratio, why).toBeLessThanOrEqual(MOST_PER_BYTE_LOST);
    expect([quiet.data, quiet.repairs, quiet.nacks, quiet.sessions], why).toEqual([0, 0, 0, 0]);
    const quietBytes = Object.values(quiet).reduce((sum, bytes) => sum + bytes, 0);
    expect(quietBytes, why).toBeLessThanOrEqual(quietBudgetBytes(50, run.quietMs));
  });
});
