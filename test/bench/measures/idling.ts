import { setTimeout as delay } from "node:timers/promises";
import { processorMs } from "../processor.js";
import { residentMiB } from "../resident.js";
import { type Result, resultOf } from "../result.js";
import type { Stage } from "../stage.js";

const IDLE_MS = 20_000;
/** What a daemon says when it starts has been said by then. */
const SETTLED_MS = 3_000;

/** Three daemons that know each other and have nothing to do. */
export async function measureIdling({ alice, bob, carol }: Stage): Promise<Result[]> {
  const memory = "idle daemon with two peers: resident memory";
  const processor = `idle daemon with two peers: processor over ${IDLE_MS / 1000} s`;
  if (process.platform !== "linux") {
    const problem = "not measured: needs /proc";
    return [memory, processor].map((what) => resultOf(what, [], { problem }));
  }
  const statuses = await Promise.all([alice, bob, carol].map((u) => u.api.call("status", {})));
  const pids = statuses.map(({ pid }) => pid);
  await delay(SETTLED_MS);
  const startMs = performance.now();
  const before = await Promise.all(pids.map(processorMs));
  await delay(IDLE_MS);
  const after = await Promise.all(pids.map(processorMs));
  const elapsedMs = performance.now() - startMs;
  const shares = after.map((ms, i) => (100 * (ms - (before[i] ?? ms))) / elapsedMs);
  return [
    resultOf(memory, await Promise.all(pids.map(residentMiB)), { unit: "MiB" }),
    resultOf(processor, shares, { unit: "% of a core" }),
  ];
}
