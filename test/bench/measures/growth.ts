import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";
import * as v from "valibot";
import {
  type Growth,
  growthsOf,
  type Sighting,
  SightingSchema,
  tableOfGrowth,
} from "../growth/growthTable.js";
import { observePeers } from "../growth/peers.js";
import type { Job, JobOptions, JobReport } from "../job.js";
import { programPath } from "../programs.js";

const PEERS = [10, 100, 1000, 4000];
const MEMBERS = [10, 100, 1000];
const QUICK = [10, 30];
/** Before what counts: what the compiler keeps of the program is in memory then. */
const WARM_UP_PEERS = 100;

/** A million pairs of members need some 5 GiB, where a process usually gets 4. */
const HEAP_MIB = 12_288;

/** What one node costs as its network and its groups grow: in the simulator, under its clock. */
async function run({ quick, tell }: JobOptions): Promise<JobReport> {
  observePeers(WARM_UP_PEERS);
  const peers = (quick ? QUICK : PEERS).map((size) => {
    tell(`among ${size} peers`);
    return { size, seen: observePeers(size) };
  });
  const members: { size: number; seen: Sighting }[] = [];
  for (const size of quick ? QUICK : MEMBERS) {
    tell(`in a group of ${size}`);
    members.push({ size, seen: await repairsOf(size) });
  }
  const results: Growth[] = [...growthsOf("peers", peers), ...growthsOf("members", members)];
  return {
    network: "simulated, under a simulated clock; a keyed hash in place of Ed25519",
    results,
    table: tableOfGrowth(results),
    failed: false,
  };
}

async function repairsOf(members: number): Promise<Sighting> {
  // With more room for what is short-lived the collector has less to do.
  const memory = [`--max-old-space-size=${HEAP_MIB}`, "--max-semi-space-size=128"];
  const args = [...memory, programPath("growth/repairsOf"), String(members)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return v.parse(SightingSchema, JSON.parse(stdout));
}

export const growthJob: Job = {
  name: "growth",
  what: "what 10 to 4,000 peers and 10 to 1,000 members cost, simulated (15 minutes)",
  run,
};
