/** The mutation run, by hand or in CI: see USAGE. */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { catcherOf, runMutants } from "./mutationRun.js";
import { MUTANTS } from "./table/index.js";

const USAGE = `usage: npm run test:mutants -- [--only TEXT] [--workers 2] [--list]
  Breaks each defence of udpchat in turn, in a private copy, and runs the test that is to catch it.
  A mutant that no test catches fails the run.
  --only TEXT   those with TEXT in their name or file
  --workers N   copies that are worked on at a time
  --list        names them all, with what each would let in, and runs nothing
`;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MAX_WORKERS = 16;

interface Options {
  readonly only: string;
  readonly workers: number;
  readonly list: boolean;
}

function parseOptions(): Options | undefined {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string", default: "" },
        workers: { type: "string", default: "2" },
        list: { type: "boolean", default: false },
      },
    });
    const workers = Number(values.workers);
    if (Number.isSafeInteger(workers) && workers > 0 && workers <= MAX_WORKERS) {
      return { ...values, workers };
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  }
  process.stderr.write(USAGE);
  return undefined;
}

async function run({ only, workers, list }: Options): Promise<number> {
  const tell = (line: string): void => void process.stdout.write(`${line}\n`);
  const mutants = MUTANTS.filter(({ name, file }) => `${name} ${file}`.includes(only));
  if (mutants.length === 0) {
    process.stderr.write(`no mutant has "${only}" in its name or file\n`);
    return 2;
  }
  if (list) {
    for (const mutant of mutants) {
      tell(`${mutant.name} (${mutant.file}): ${mutant.why}; ${catcherOf(mutant)}`);
    }
    return 0;
  }
  const { caught, survived, faults } = await runMutants({ root: ROOT, mutants, workers, tell });
  for (const name of survived) tell(`SURVIVED ${name}`);
  for (const fault of faults) tell(`FAULT ${fault}`);
  const broken = faults.length === 0 ? "" : `, ${faults.length} could not be tried`;
  tell(`${mutants.length} mutants, ${caught} caught, ${survived.length} survived${broken}`);
  return survived.length + faults.length === 0 ? 0 : 1;
}

// What was begun is ended, and the copies go.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));
const options = parseOptions();
process.exitCode = options === undefined ? 2 : await run(options);
