/** The main job, measured: find one another, send, ask, chat. Asserts nothing about time. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.js";
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
import { openStage, type Stage, startDaemon } from "./stage.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PROGRAM = fileURLToPath(new URL("../../dist/bin/bin.js", import.meta.url));
const RECORD = fileURLToPath(new URL("./results/main-job.json", import.meta.url));
const USAGE = `usage: npm run bench -- [--json] [--record] [--loopback]
  --json      print JSON instead of a table
  --record    also write test/bench/results/main-job.json
  --loopback  one host and its loopback interface, even where namespaces can be had
`;

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

async function measureAll(stage: Stage): Promise<Result[]> {
  const results: Result[] = [];
  for (const user of [stage.bob, stage.carol]) await startDaemon(user);
  for (const [name, measure] of MEASURES) {
    process.stderr.write(`measuring: ${name}\n`);
    try {
      results.push(...(await measure(stage)));
    } catch (error) {
      const problem = `FAILED: ${error instanceof Error ? error.message : String(error)}`;
      process.stderr.write(`${problem}\n`);
      process.exitCode = 1;
      results.push(resultOf(name, [], { problem }));
    }
  }
  return results;
}

async function bench(options: { json: boolean; record: boolean; loopback: boolean }) {
  const machine = describeMachine(ROOT);
  const stage = openStage(options.loopback);
  process.stderr.write(`network: ${stage.network}\n`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void stage.dispose().finally(() => process.exit(130)));
  }
  const startMs = performance.now();
  let results: Result[];
  try {
    results = await measureAll(stage);
  } finally {
    await stage.dispose();
  }
  const tookSeconds = Math.round((performance.now() - startMs) / 1000);
  const record = { ...machine, network: stage.network, tookSeconds, results };
  const json = `${JSON.stringify(record, undefined, 2)}\n`;
  if (options.json) {
    process.stdout.write(json);
  } else {
    const facts = { ...machine, network: stage.network, took: `${tookSeconds} s` };
    const lines = Object.entries(facts).map(([name, value]) => `${name}: ${value ?? "unknown"}`);
    process.stdout.write(`${lines.join("\n")}\n\n${tableOf(results)}\n`);
  }
  if (!options.record) return;
  await mkdir(dirname(RECORD), { recursive: true });
  await writeFile(RECORD, json);
}

function parseOptions() {
  const flag = { type: "boolean", default: false } as const;
  try {
    return parseArgs({ options: { json: flag, record: flag, loopback: flag } }).values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return undefined;
  }
}

const options = parseOptions();
if (options === undefined) {
  process.exitCode = 2;
} else if (!existsSync(PROGRAM)) {
  process.stderr.write("the built program is measured, and there is none: npm run build\n");
  process.exitCode = 2;
} else {
  await bench(options);
}
