/**
 * Loaded into a daemon before the program (`node --expose-gc --import probe.js`), to look at it
 * from inside: every `SOAK_SAMPLE_EVERY_MS` one JSON line, in the shape of `ProbeLineSchema`
 * (`sample.ts`), to file descriptor 3. It is no part of the program.
 */
import { readdirSync, writeSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import process from "node:process";
import { setImmediate as turn } from "node:timers/promises";
import { getHeapCodeStatistics } from "node:v8";

const OUTPUT_DESCRIPTOR = 3;
const RESOLUTION_MS = 20;
const NANOSECONDS_PER_MS = 1e6;

const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delays.enable();

/** The histogram holds the time from tick to tick, not what it is beyond the resolution. */
function delayMs(nanoseconds) {
  if (delays.count === 0) return 0; // its mean is no number then
  return Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS);
}

async function sample() {
  const delay = {
    meanMs: delayMs(delays.mean),
    p99Ms: delayMs(delays.percentile(99)),
    maxMs: delayMs(delays.max),
  };
  // What the collection costs is not the program's.
  delays.disable();
  globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  const { code_and_metadata_size: machineCode, bytecode_and_metadata_size: bytecode } =
    getHeapCodeStatistics();
  const resources = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  const cpu = process.cpuUsage();
  const line = {
    // With what objects of the heap hold outside of it: array buffers, mostly. Without what V8
    // compiled, which becomes more for as long as there is code that becomes hot.
    heapBytes: heapUsed + external - machineCode - bytecode,
    codeBytes: machineCode + bytecode,
    rssBytes: rss,
    // Without the one that reads the folder.
    descriptors: readdirSync("/proc/self/fd").length - 1,
    resources,
    delay,
    cpuMs: (cpu.user + cpu.system) / 1000,
  };
  try {
    writeSync(OUTPUT_DESCRIPTOR, `${JSON.stringify(line)}\n`);
  } catch {
    // Nobody listens any more.
  }
  await turn();
  delays.reset();
  delays.enable();
}

// Timers that hold no process up are not counted among the active resources.
setInterval(() => void sample(), Number(process.env.SOAK_SAMPLE_EVERY_MS)).unref();
