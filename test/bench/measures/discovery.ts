import { setTimeout as delay } from "node:timers/promises";
import { inParallel } from "../../support/inParallel.js";
import type { LanUser } from "../../support/lanUsers.js";
import { openHosts, untilKnown } from "../hosts.js";
import type { Job, JobOptions, JobReport } from "../job.js";
import { type Result, resultOf, tableOf } from "../result.js";
import { startDaemon } from "../stage.js";
import { untilLastLine } from "./discovering.js";

const RUNS = 10;
const STARTED_AT_ONCE = 2;
/** What daemons say when they start has been said by then. */
const SETTLE_MS = 15_000;
const TIMEOUT_MS = 2_000;
/** Peers grant one asker an answer a second. */
const PAUSE_MS = 1_200;

/** Daemons on a host each; `discover` on one of them, and on a host without one. */
async function run(options: JobOptions): Promise<JobReport> {
  const { quick, tell } = options;
  const daemons = quick ? 5 : 50;
  const opened = openHosts(daemons + 1, `discover among ${daemons} daemons`, options);
  if ("notMeasured" in opened) return opened.notMeasured;
  const { users } = opened;
  users.lan.introduceAll();
  const all = users.lan.hosts.map((_, i) => users.user(i, `user${i}`));
  const [newcomer, ...residents] = all;
  const [alice] = residents;
  if (newcomer === undefined || alice === undefined) throw new Error("nobody is there");
  tell(`starting ${daemons} daemons`);
  await inParallel(STARTED_AT_ONCE, residents, (user) => startDaemon(user));
  await untilKnown(alice, daemons - 1);
  tell("all are there; settling");
  await delay(quick ? 1_000 : SETTLE_MS);
  const runs = quick ? 2 : RUNS;
  const results = [
    await measure("`discover` with a daemon", runs, daemons - 1, (expected) =>
      untilLastLine(alice, expected, TIMEOUT_MS),
    ),
    await measure("the same over its socket, query to the last answer", runs, daemons - 1, (n) =>
      untilLastAnswer(alice, n),
    ),
    await measure("`discover` of a newcomer, without a daemon", runs, daemons, (expected) =>
      untilLastLine(newcomer, expected, TIMEOUT_MS),
    ),
  ];
  const network = `${daemons + 1} network namespaces on a bridge, a daemon in all but one`;
  return { network, results, table: tableOf(results), failed: false };
}

interface Found {
  readonly found: number;
  /** Until the last of all; undefined if one is missing. */
  readonly lastMs: number | undefined;
}

async function measure(
  what: string,
  runs: number,
  expected: number,
  discover: (expected: number) => Promise<Found>,
): Promise<Result> {
  const samples: number[] = [];
  let missed = 0;
  for (let i = 0; i < runs; i += 1) {
    await delay(PAUSE_MS);
    const { found, lastMs } = await discover(expected);
    if (lastMs !== undefined) samples.push(lastMs);
    missed += expected - found;
  }
  const facts = { "complete runs": `${samples.length} of ${runs}`, missed, "of each": expected };
  return resultOf(`${what}: until the last of all`, samples, { facts });
}

async function untilLastAnswer(user: LanUser, expected: number): Promise<Found> {
  const startMs = performance.now();
  let found = 0;
  let lastMs: number | undefined;
  for await (const _ of user.api.stream("discover", { timeoutMs: TIMEOUT_MS })) {
    found += 1;
    if (found === expected) lastMs = performance.now() - startMs;
  }
  return { found, lastMs };
}

export const discoveryJob: Job = {
  name: "discovery",
  what: "`discover` among 50 daemons on a host each (3 minutes)",
  run,
};
