import { once } from "node:events";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import type { NamespaceHost } from "../../support/namespaceLan.js";
import { knownTo, openHosts, untilKnown } from "../hosts.js";
import type { Job, JobOptions, JobReport } from "../job.js";
import { processorMs } from "../processor.js";
import { programPath } from "../programs.js";
import { residentMiB } from "../resident.js";
import { type Result, resultOf, tableOf } from "../result.js";
import { quantile } from "../samples.js";
import { startDaemon } from "../stage.js";

const CROWD_HOSTS = 4;
const BARE_NODE = ["-e", "setInterval(() => {}, 1e9)"];
/** Hellos have been said and answered by then, and what they left was collected. */
const SETTLE_MS = 60_000;
const WATCH_MS = 60_000;
const SAMPLES = 12;

/** A daemon that knows many peers and has nothing to do, beside a Node that does nothing. */
async function run(options: JobOptions): Promise<JobReport> {
  const { quick, tell } = options;
  const perHost = quick ? 3 : 25;
  const peers = perHost * CROWD_HOSTS;
  const what = `idle daemon with ${peers} peers`;
  const opened = openHosts(1 + CROWD_HOSTS, what, options);
  if ("notMeasured" in opened) return opened.notMeasured;
  const { users } = opened;
  const alice = users.user(0, "alice");
  await startDaemon(alice);
  const bare = alice.host.spawn(process.execPath, BARE_NODE);
  for (const host of users.lan.hosts.slice(1)) await startCrowd(host, perHost);
  await untilKnown(alice, peers);
  tell(`all ${peers} are there; settling`);
  await delay(quick ? 1_000 : SETTLE_MS);
  const { pid } = await alice.api.call("status", {});
  const [daemon, node] = await watch([pid, bare.pid ?? 0], quick ? 3_000 : WATCH_MS);
  if (daemon === undefined || node === undefined) throw new Error("nothing was seen");
  const seen = await knownTo(alice);
  const ratio = median(daemon.residentMiB) / median(node.residentMiB);
  const results: Result[] = [
    resultOf(`${what}: resident memory`, daemon.residentMiB, {
      unit: "MiB",
      facts: { "times that of bare node": ratio.toFixed(2), "peers at the end": seen },
    }),
    resultOf("bare node: resident memory", node.residentMiB, { unit: "MiB" }),
    resultOf(`${what}: processor`, daemon.processorPercent, {
      unit: "% of a core",
      facts: { "over all": daemon.percentOverAll.toFixed(3) },
    }),
    resultOf("bare node: processor", node.processorPercent, {
      unit: "% of a core",
      facts: { "over all": node.percentOverAll.toFixed(3) },
    }),
  ];
  const network = `${1 + CROWD_HOSTS} network namespaces on a bridge, ${perHost} users on each of ${CROWD_HOSTS}`;
  return { network, results, table: tableOf(results), failed: seen < peers };
}

async function startCrowd(host: NamespaceHost, count: number): Promise<void> {
  const child = host.spawn(process.execPath, [programPath("crowd"), String(count)]);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = once(child, "close").then(() => {
    throw new Error(`the crowd ended: ${stderr}`);
  });
  await Promise.race([once(child.stdout, "data"), ended]);
  // Killed with its host, at the end.
  ended.catch(() => undefined);
}

interface Watched {
  readonly residentMiB: number[];
  /** In each part of the time. */
  readonly processorPercent: number[];
  readonly percentOverAll: number;
}

async function watch(pids: readonly number[], forMs: number): Promise<Watched[]> {
  const residents = pids.map((): number[] => []);
  const times = [await Promise.all(pids.map(processorMs))];
  const marks = [performance.now()];
  for (let i = 0; i < SAMPLES; i += 1) {
    await delay(forMs / SAMPLES);
    times.push(await Promise.all(pids.map(processorMs)));
    marks.push(performance.now());
    for (const [p, pid] of pids.entries()) residents[p]?.push(await residentMiB(pid));
  }
  const percent = (p: number, from: number, to: number): number => {
    const ranMs = (times[to]?.[p] ?? 0) - (times[from]?.[p] ?? 0);
    return (100 * ranMs) / ((marks[to] ?? 0) - (marks[from] ?? 0));
  };
  return residents.map((residentMiB, p) => ({
    residentMiB,
    processorPercent: Array.from({ length: SAMPLES }, (_, i) => percent(p, i, i + 1)),
    percentOverAll: percent(p, 0, SAMPLES),
  }));
}

function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

export const idleJob: Job = {
  name: "idle",
  what: "what a daemon with 100 peers needs while nothing happens (3 minutes)",
  run,
};
