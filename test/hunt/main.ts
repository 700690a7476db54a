/** The hunt, by hand or in CI: see USAGE. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { sanitiseText } from "../../src/sanitise.js";
import { type Failure, hunt } from "./hunt.js";
import { runPack } from "./pack.js";
import type { Report } from "./report.js";
import { replayCommand } from "./shrink.js";
import { Tally } from "./tally.js";
import { cpuMsSince, work } from "./worker.js";

const USAGE = `usage: npm run sim -- --seed N | --seeds A..B | --minutes M
  Lives through seeds on a simulated LAN and looks whether everything held (test/hunt/invariants.ts).
  --seed N         one, with its trace: what was planned and what happened, in simulated milliseconds
    --steps 1,5,9  only these steps of it; --hosts K: only its first K hosts
    --datagrams    every datagram has a line
    --lines L      the last L lines (default 60; 0: all)
  --seeds A..B     all of them, on all cores; a failure is made as short as possible
  --minutes M      other seeds every time, for so long
  --workers W      processes (default: one per core)
  --stats          how often each fault, each kind of work and each path of recovery happened,
                   and what seeds cost: how many in a second, CPU time, the slowest
`;
/** Seeds by chance begin above those that people write. */
const FIRST_CHANCE_SEED = 1_000_000;
const TRACE_LINES = 60;
/** A sign of life. */
const SEEDS_PER_LINE = 500;

interface Options {
  readonly seed: number | undefined;
  readonly from: number;
  readonly to: number;
  readonly minutes: number;
  readonly workers: number;
  readonly stats: boolean;
  readonly steps: readonly number[] | undefined;
  readonly hosts: number | undefined;
  readonly datagrams: boolean;
  readonly lines: number;
}

function parseOptions(): Options | undefined {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: "string" },
        seeds: { type: "string" },
        minutes: { type: "string" },
        workers: { type: "string" },
        stats: { type: "boolean", default: false },
        steps: { type: "string" },
        hosts: { type: "string" },
        datagrams: { type: "boolean", default: false },
        lines: { type: "string" },
      },
    });
    const seed = values.seed === undefined ? undefined : Number(values.seed);
    const [from = Number.NaN, to = Number.NaN] = (values.seeds ?? "1..0").split("..").map(Number);
    const minutes = Number(values.minutes ?? 0);
    const workers = Number(values.workers ?? availableParallelism());
    const hosts = values.hosts === undefined ? undefined : Number(values.hosts);
    const steps = values.steps
      ?.split(",")
      .filter((step) => step !== "")
      .map(Number);
    const lines = Number(values.lines ?? TRACE_LINES);
    const numbers = [seed ?? 0, from, to, workers, hosts ?? 2, ...(steps ?? []), lines];
    const isRight = numbers.every((number) => Number.isSafeInteger(number) && number >= 0);
    if (
      isRight &&
      workers > 0 &&
      minutes >= 0 &&
      (seed !== undefined || to >= from || minutes > 0)
    ) {
      const { stats, datagrams } = values;
      return { seed, from, to, minutes, workers, stats, steps, hosts, datagrams, lines };
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  }
  process.stderr.write(USAGE);
  return undefined;
}

function tell(line: string): void {
  // Some of the texts are hostile.
  process.stdout.write(`${sanitiseText(line)}\n`);
}

function tellFailure(seed: number, { invariant, message, atMs }: Failure): void {
  tell(`FAILED seed ${seed}: ${invariant} at ${atMs.toFixed(0)} ms: ${message}`);
}

/** True if everything held. */
async function replay(seed: number, options: Options): Promise<boolean> {
  const { steps, hosts, datagrams, lines } = options;
  const tally = new Tally();
  const beganMs = performance.now();
  const cpuBefore = process.cpuUsage();
  const result = await hunt(seed, {
    datagrams,
    ...(steps === undefined ? {} : { steps }),
    ...(hosts === undefined ? {} : { hosts }),
  });
  tally.add({ ...result, cpuMs: cpuMsSince(cpuBefore) });
  for (const line of lines === 0 ? result.trace : result.trace.slice(-lines)) tell(line);
  const tookMs = performance.now() - beganMs;
  if (options.stats) for (const row of [...tally.table(), ...tally.costs(tookMs)]) tell(row);
  tell(tally.summary(tookMs));
  if (result.failure === undefined) tell("all held");
  else tellFailure(seed, result.failure);
  return result.failure === undefined;
}

async function huntMany(options: Options, program: string): Promise<boolean> {
  const beganMs = performance.now();
  const endMs = beganMs + options.minutes * 60_000;
  const tally = new Tally();
  let failures = 0;
  const byChance = options.minutes > 0 && options.to < options.from;
  let next = byChance ? FIRST_CHANCE_SEED + Math.floor(Math.random() * 2 ** 40) : options.from;
  const nextSeed = (): number | undefined => {
    const isOver = byChance ? performance.now() > endMs : next > options.to;
    next += 1;
    return isOver ? undefined : next - 1;
  };
  const report = (found: Report): void => {
    tally.add({ ...found, stats: new Map(found.stats) });
    if (tally.seeds % SEEDS_PER_LINE === 0) tell(tally.summary(performance.now() - beganMs));
    const { seed, failure, shrunk } = found;
    if (failure === undefined) return;
    failures += 1;
    tellFailure(seed, failure);
    if (shrunk === undefined) {
      tell(`  ${replayCommand(seed, {})}`);
      return;
    }
    const { steps, hosts } = shrunk.options;
    for (const line of shrunk.trace.slice(-TRACE_LINES)) tell(`  ${line}`);
    const reduced = {
      ...(steps === undefined ? {} : { steps }),
      ...(hosts === undefined ? {} : { hosts }),
    };
    tell(`  ${replayCommand(seed, reduced)}`);
  };
  await runPack({ program, workers: options.workers, nextSeed, report });
  const tookMs = performance.now() - beganMs;
  if (options.stats) for (const row of [...tally.table(), ...tally.costs(tookMs)]) tell(row);
  tell(tally.summary(tookMs));
  tell(failures === 0 ? "all held" : `${failures} FAILED`);
  return failures === 0;
}

const [program = "", first] = process.argv.slice(1);
if (first === "worker") work();
else {
  const options = parseOptions();
  if (options === undefined) process.exitCode = 2;
  else {
    const { seed } = options;
    const held =
      seed === undefined ? await huntMany(options, program) : await replay(seed, options);
    process.exitCode = held ? 0 : 1;
  }
}
