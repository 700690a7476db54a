/** One process that lives through seeds; its parent says which. */
import process from "node:process";
import * as v from "valibot";
import { hunt } from "./hunt.js";
import { stackOf } from "./ledger.js";
import { type Report, TASK } from "./report.js";
import { shrink } from "./shrink.js";

/** Until the parent lets go of it. */
export function work(): void {
  process.on("message", (message: unknown) => {
    const task = v.parse(TASK, message);
    done(task.seed, task.shrinks).then(
      (report) => process.send?.(report),
      (error: unknown) => {
        const failure = { invariant: "noCrash", message: stackOf(error), atMs: 0 };
        process.send?.(reportOf(task.seed, failure));
      },
    );
  });
  process.once("disconnect", () => process.exit());
  process.send?.("ready");
}

async function done(seed: number, shrinks: boolean): Promise<Report> {
  const before = process.cpuUsage();
  const result = await hunt(seed);
  const cpuMs = cpuMsSince(before);
  const { failure, hosts, simulatedMs, steps } = result;
  const report = {
    ...reportOf(seed, failure),
    hosts,
    simulatedMs,
    cpuMs,
    stats: [...result.stats],
  };
  if (failure === undefined || !shrinks) return report;
  const { options, trace, runs } = await shrink(seed, failure, { steps, hosts });
  return { ...report, shrunk: { options, trace: [...trace], runs } };
}

function reportOf(seed: number, failure: Report["failure"]): Report {
  return { seed, failure, hosts: 0, simulatedMs: 0, cpuMs: 0, stats: [], shrunk: undefined };
}

/** Of all threads of this process. */
export function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
