import type { Job, JobOptions, JobReport } from "./job.js";
import { measureAsking } from "./measures/asking.js";
import { measureConverging } from "./measures/converging.js";
import { measureDiscovering } from "./measures/discovering.js";
import { measureHistory } from "./measures/history.js";
import { measureIdling } from "./measures/idling.js";
import { measureLosing } from "./measures/losing.js";
import { measureNewInterface } from "./measures/newInterface.js";
import { measureOverhead } from "./measures/overhead.js";
import { measureSending } from "./measures/sending.js";
import { measureStore } from "./measures/store.js";
import { type Result, resultOf, tableOf } from "./result.js";
import { openStage, startDaemon } from "./stage.js";

/** In this order: alice's daemon is started by the first, the last one leaves the most behind. */
const MEASURES = [
  ["sending", measureSending],
  ["idling", measureIdling],
  ["discovering", measureDiscovering],
  ["asking", measureAsking],
  ["a new interface", measureNewInterface],
  ["losing", measureLosing],
  ["overhead", measureOverhead],
  ["converging", measureConverging],
  ["history", measureHistory],
  ["store", measureStore],
] as const;

async function run({ loopback, tell, atTheEnd }: JobOptions): Promise<JobReport> {
  const stage = openStage(loopback);
  atTheEnd(() => stage.dispose());
  tell(`network: ${stage.network}`);
  for (const user of [stage.bob, stage.carol]) await startDaemon(user);
  const results: Result[] = [];
  let failed = false;
  for (const [name, measure] of MEASURES) {
    tell(`measuring: ${name}`);
    try {
      results.push(...(await measure(stage)));
    } catch (error) {
      const problem = `FAILED: ${error instanceof Error ? error.message : String(error)}`;
      tell(problem);
      failed = true;
      results.push(resultOf(name, [], { problem }));
    }
  }
  return { network: stage.network, results, table: tableOf(results), failed };
}

export const mainJob: Job = {
  name: "main-job",
  what: "find one another, send, ask and chat; what protection costs (2 minutes)",
  run,
};
