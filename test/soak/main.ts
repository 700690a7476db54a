/** The long run: see USAGE. */
import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine } from "../bench/machine.js";
import { namespacesAvailable } from "../support/namespaceLan.js";
import { draw } from "./plot.js";
import { LEAK_KINDS, type LeakKind } from "./probed.js";
import { appendRun, readRuns, runOf } from "./record.js";
import { runSoak, type SoakReport } from "./soakRun.js";
import { describe } from "./verdict.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const RECORD = fileURLToPath(new URL("../bench/results/soak.json", import.meta.url));
const USAGE = `usage: npm run soak -- [--minutes 60] [--hosts 12] [--seed N] [--record | --out FILE]
       npm run soak -- --plot [--out FILE]
  Runs daemons of the built program (npm run build) in network namespaces that lose 20 % of all
  datagrams, under load, with interfaces that flap, partitions and restarts, and looks whether
  memory, descriptors, timers and the delay of the event loop stay flat, and everything converges.
  Exit code 1: not flat, or not converged; 2: it can't run here. Needs Linux, root, ip and nft.
  --record      put the run behind the others in test/bench/results/soak.json, and draw soak.svg
  --out FILE    the same with another file, whose name ends in .json
  --plot        only draw what is in the file
  --program DIR another folder with the built program
  --leak KIND   one daemon leaks on purpose (${LEAK_KINDS.join(", ")}): the run must fail
`;
const MIN_HOSTS = 4;
const MAX_HOSTS = 50;
const MOST_FAULTS = 40;

interface Options {
  readonly minutes: number;
  readonly hosts: number;
  readonly seed: number;
  readonly program: string;
  readonly leak: LeakKind | undefined;
  /** Undefined: nothing is written. */
  readonly file: string | undefined;
  readonly plotOnly: boolean;
}

function parseOptions(): Options | undefined {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const known = { minutes: text, hosts: text, seed: text, out: text, program: text, leak: text };
  try {
    const { values } = parseArgs({ options: { ...known, record: flag, plot: flag } });
    const options = {
      minutes: Number(values.minutes ?? 60),
      hosts: Number(values.hosts ?? 12),
      seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 32)),
      program: resolve(values.program ?? ROOT),
      leak: LEAK_KINDS.find((kind) => kind === values.leak),
      file: values.out ?? (values.record || values.plot ? RECORD : undefined),
      plotOnly: values.plot,
    };
    const { minutes, hosts, seed, file } = options;
    const isRight =
      minutes > 0 &&
      Number.isSafeInteger(seed) &&
      Number.isSafeInteger(hosts) &&
      hosts >= MIN_HOSTS &&
      hosts <= MAX_HOSTS &&
      (file?.endsWith(".json") ?? true) &&
      (values.leak === undefined) === (options.leak === undefined);
    if (isRight) return options;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  }
  process.stderr.write(USAGE);
  return undefined;
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

function drawBeside(file: string): void {
  const picture = file.replace(/\.json$/, ".svg");
  writeFileSync(picture, draw(readRuns(file)));
  tell(`drawn: ${picture}`);
}

/** Tells everything; true if all held. */
function report({ hosts, judgements, calm, counts, faults, warmUpMinutes }: SoakReport): boolean {
  for (const [what, count] of Object.entries(counts)) tell(`  ${what} x ${count}`);
  for (const { name, tallies } of hosts.slice(0, 1)) tell(`${name}: ${JSON.stringify(tallies)}`);
  tell(`judged: from minute ${warmUpMinutes.toFixed(1)} on, an hour's growth with 99 % confidence`);
  for (const judgement of judgements) tell(`  ${describe(judgement)}`);
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  tell(
    `equal ${seconds(calm.convergedMs)} s after the end, quiet after ${seconds(calm.quietMs)} s: ` +
      `${Math.round(calm.quietBytesPerSecond)} of ${Math.round(calm.budgetBytesPerSecond)} bytes/s`,
  );
  for (const fault of faults.slice(0, MOST_FAULTS)) tell(`FAULT ${fault}`);
  if (faults.length > MOST_FAULTS) tell(`and ${faults.length - MOST_FAULTS} more`);
  const growing = judgements.filter(({ isFlat }) => !isFlat);
  for (const judgement of growing) tell(describe(judgement));
  const allHeld = faults.length + growing.length === 0;
  tell(allHeld ? "flat, and all held" : `${growing.length} GROW, ${faults.length} FAULTS`);
  return allHeld;
}

async function soak(options: Options): Promise<void> {
  const { program, file } = options;
  const available = namespacesAvailable();
  if (!available.ok) {
    process.stderr.write(`there can be no hosts of their own here: ${available.reason}\n`);
    process.exitCode = 2;
    return;
  }
  if (!existsSync(`${program}/dist/bin/bin.js`)) {
    process.stderr.write("the built program is run, and there is none: npm run build\n");
    process.exitCode = 2;
    return;
  }
  const machine = describeMachine(program);
  const result = await runSoak({ ...options, tell });
  if (!report(result)) process.exitCode = 1;
  if (file === undefined) return;
  appendRun(file, runOf(machine, result));
  drawBeside(file);
}

const options = parseOptions();
if (options === undefined) process.exitCode = 2;
else if (options.plotOnly) drawBeside(options.file ?? RECORD);
else await soak(options);
