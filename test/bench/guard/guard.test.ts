/**
 * Counts what messages cost, and compares it with `budget.json`: datagrams and bytes allocated in
 * a world without clocks and sockets, the same every time; system calls as strace sees them.
 */
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { complaint } from "./budget.js";

const run = promisify(execFile);
const LIMIT_MS = 120_000;

/**
 * Nothing is collected before it is asked for, and the compiler does its work in its turn: what is
 * allocated is then known to a hundredth.
 */
const COUNTING = [
  "--expose-gc",
  "--min-semi-space-size=256",
  "--max-semi-space-size=256",
  "--single-threaded",
];
const CountsSchema = v.object({
  datagramsOfSender: v.number(),
  datagramsOfReceiver: v.number(),
  allocatedKiB: v.number(),
});

/** Of sockets and files. Not those of the collector and of threads, which vary. */
const SYSTEM_CALLS = [
  "%net",
  ...["read", "write", "readv", "writev", "pread64", "pwrite64", "openat", "close", "ioctl"],
  ...["epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl", "io_uring_enter"],
  ...["fsync", "fdatasync", "ftruncate", "rename", "unlink", "statx", "fstat"],
]
  .map((name) => (name.startsWith("%") ? name : `?${name}`))
  .join(",");
/** The difference is that of 1,000 messages, without what a process does when it starts. */
const FEWER = 500;
const MORE = 1_500;
/** A process that has to wait for its turn reads less at a time, and asks more often. */
const ATTEMPTS = 5;

const isTraceable =
  spawnSync("strace", ["-f", "-qq", "-e", "trace=?read", "true"], { stdio: "ignore" }).status === 0;

let folder = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "udpchat-guard-"));
  await run(process.execPath, [join(import.meta.dirname, "bundle.js"), folder]);
}, LIMIT_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("1,000 messages cost no more than their budget", () => {
  it.each([
    "texts in bursts",
    "texts in bursts, kept in memory",
    "requests in turn",
    "group lines in bursts",
  ])("%s: datagrams and bytes allocated", { timeout: LIMIT_MS }, async (load) => {
    const program = join(folder, "counting.mjs");
    const { stdout } = await run(process.execPath, [...COUNTING, program, load]);
    const counts = v.parse(CountsSchema, JSON.parse(stdout));
    expect([
      complaint(load, "datagramsOfSender", counts.datagramsOfSender),
      complaint(load, "datagramsOfReceiver", counts.datagramsOfReceiver),
      complaint(load, "allocatedKiB", counts.allocatedKiB),
    ]).toEqual([undefined, undefined, undefined]);
  });

  it.skipIf(!isTraceable).each(["texts in bursts", "requests in turn"])(
    "%s: system calls of both ends (needs strace)",
    { timeout: LIMIT_MS },
    async (load) => {
      let complained: string | undefined;
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const calls = (await systemCalls(load, MORE)) - (await systemCalls(load, FEWER));
        complained = complaint(load, "systemCalls", calls);
        if (complained === undefined) break;
      }
      expect(complained).toBeUndefined();
    },
  );
});

async function systemCalls(load: string, messages: number): Promise<number> {
  const summary = join(folder, "calls");
  const program = [process.execPath, join(folder, "calling.mjs"), load, String(messages)];
  const trace = ["-f", "-qq", "-c", "-U", "name,calls", "-o", summary];
  await run("strace", [...trace, "-e", `trace=${SYSTEM_CALLS}`, ...program]);
  const total = /^total +(\d+)/m.exec(readFileSync(summary, "utf8"))?.[1];
  if (total === undefined) throw new Error("strace counted nothing");
  return Number(total);
}
