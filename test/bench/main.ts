/** The benchmark: see USAGE. Asserts nothing about time. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compareJob, ENTRANT_NAMES, MEASURE_NAMES } from "./compare.js";
import type { Job, JobOptions, JobReport } from "./job.js";
import { describeMachine, type Machine } from "./machine.js";
import { mainJob } from "./mainJob.js";
import { discoveryJob } from "./measures/discovery.js";
import { growthJob } from "./measures/growth.js";
import { idleJob } from "./measures/idle.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const RESULTS = fileURLToPath(new URL("./results", import.meta.url));
const PROGRAM = join(ROOT, "dist/bin/bin.js");
const JOBS: readonly Job[] = [mainJob, compareJob, idleJob, discoveryJob, growthJob];
/** Without --only. */
const USUAL = [mainJob.name, compareJob.name];
const USAGE = `usage: npm run bench -- [--only JOB]... [--json] [--record] [--loopback] [--quick]
${JOBS.map(({ name, what }) => `  ${name.padEnd(10)}  ${what}`).join("\n")}
  --only JOB      one of these, or several; without it ${USUAL.join(" and ")}
  --json          print JSON instead of tables
  --record        also write test/bench/results/JOB.json, and a chart if there is one
  --loopback      one host and its loopback interface, even where namespaces can be had
  --quick         as little as shows that it works; not to be recorded
of the comparison:
  --measure NAME    only this one: ${MEASURE_NAMES.join(", ")}
  --contender NAME  only this one: ${ENTRANT_NAMES.join(", ")}
  --bytes N         only payloads of that size, 64 to 16384
  --profile DIR     a CPU profile of every contender's process, and where they spend their time
`;

function parseOptions() {
  const flag = { type: "boolean", default: false } as const;
  const names = { type: "string", multiple: true, default: [] as string[] } as const;
  try {
    const { values } = parseArgs({
      options: {
        json: flag,
        record: flag,
        loopback: flag,
        quick: flag,
        only: names,
        measure: names,
        contender: names,
        bytes: names,
        profile: { type: "string" },
      },
    });
    checkNames(
      values.only,
      JOBS.map(({ name }) => name),
    );
    checkNames(values.measure, MEASURE_NAMES);
    checkNames(values.contender, ENTRANT_NAMES);
    const sizes = values.bytes.map(Number);
    if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 64 && size <= 16_384)) {
      throw new Error("--bytes wants a number from 64 to 16384");
    }
    const isPart = values.measure.length + values.contender.length + sizes.length > 0;
    if (values.record && (values.quick || isPart || values.profile !== undefined)) {
      throw new Error("a part or a quick run is not recorded");
    }
    return { ...values, sizes };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return undefined;
  }
}

function checkNames(given: readonly string[], known: readonly string[]): void {
  const wrong = given.find((name) => !known.includes(name));
  if (wrong !== undefined) throw new Error(`there is no ${wrong} among ${known.join(", ")}`);
}

/** What is to be removed, whatever happens; bounded by the jobs. */
const disposals: (() => Promise<void> | void)[] = [];

async function disposeAll(): Promise<void> {
  for (const dispose of disposals.splice(0)) await dispose();
}

interface Recorded extends Machine {
  readonly network: string;
  readonly tookSeconds: number;
  readonly results: readonly unknown[];
}

async function runJob(
  job: Job,
  options: JobOptions,
): Promise<{ readonly report: JobReport; readonly recorded: Recorded }> {
  const machine = describeMachine(ROOT);
  const startMs = performance.now();
  const report = await job.run(options);
  const tookSeconds = Math.round((performance.now() - startMs) / 1000);
  const { network, results } = report;
  return { report, recorded: { ...machine, network, tookSeconds, results } };
}

async function record(name: string, { report, recorded }: Awaited<ReturnType<typeof runJob>>) {
  await mkdir(RESULTS, { recursive: true });
  await writeFile(join(RESULTS, `${name}.json`), `${JSON.stringify(recorded, undefined, 2)}\n`);
  if (report.chart === undefined) return;
  const { date, node, processor, cores } = recorded;
  const facts = `${date.slice(0, 10)}, Node ${node}, ${processor} with ${cores} cores`;
  await writeFile(join(RESULTS, `${name}.svg`), report.chart(facts));
}

function print(name: string, { report, recorded }: Awaited<ReturnType<typeof runJob>>): void {
  const { results: _, tookSeconds, ...machine } = recorded;
  const facts = { job: name, ...machine, took: `${tookSeconds} s` };
  const lines = Object.entries(facts).map(([key, value]) => `${key}: ${value ?? "unknown"}`);
  process.stdout.write(`${lines.join("\n")}\n\n${report.table}\n\n`);
}

async function bench(values: NonNullable<ReturnType<typeof parseOptions>>): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void disposeAll().finally(() => process.exit(130)));
  }
  const options: JobOptions = {
    loopback: values.loopback,
    quick: values.quick,
    measures: values.measure,
    contenders: values.contender,
    sizes: values.sizes,
    profiles: values.profile === undefined ? undefined : resolve(values.profile),
    tell: (line) => void process.stderr.write(`${line}\n`),
    atTheEnd: (dispose) => void disposals.push(dispose),
  };
  const wanted = values.only.length === 0 ? USUAL : values.only;
  const all: Record<string, Recorded> = {};
  for (const job of JOBS.filter(({ name }) => wanted.includes(name))) {
    try {
      const done = await runJob(job, options);
      if (done.report.failed) process.exitCode = 1;
      if (values.record) await record(job.name, done);
      if (!values.json) print(job.name, done);
      all[job.name] = done.recorded;
    } finally {
      await disposeAll();
    }
  }
  if (values.json) process.stdout.write(`${JSON.stringify(all, undefined, 2)}\n`);
}

const values = parseOptions();
if (values === undefined) {
  process.exitCode = 2;
} else if (!existsSync(PROGRAM)) {
  process.stderr.write("the built program is measured, and there is none: npm run build\n");
  process.exitCode = 2;
} else {
  await bench(values);
}
