/** The fuzz run by hand: see USAGE. */
import { availableParallelism } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { fuzz } from "./fuzzRun.js";
import { TARGETS } from "./targets.js";
import { work } from "./worker.js";

const USAGE = `usage: node test/fuzz/run.js [--inputs 2000000] [--seed N] [--target name]... [--workers N]
  Feeds mutated and invented input to everything that takes any, and checks what must hold. What
  fails is shortened and kept in test/fuzz/crashers; the same seed feeds the same again.
  targets: ${TARGETS.map(({ name }) => name).join(", ")}
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      inputs: { type: "string" },
      seed: { type: "string" },
      target: { type: "string", multiple: true },
      workers: { type: "string" },
      worker: { type: "boolean" },
    },
  });
  if (values.worker === true) {
    await work();
    return 0;
  }
  const inputs = Number(values.inputs ?? 2_000_000);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
  const workers = Number(values.workers ?? availableParallelism());
  const named = values.target ?? TARGETS.map(({ name }) => name);
  const targets = TARGETS.filter(({ name }) => named.includes(name));
  const known = targets.length === new Set(named).size;
  const numbers = [inputs, seed, workers].every((n) => Number.isSafeInteger(n) && n >= 0);
  if (!known || !numbers || workers === 0) throw new TypeError("no such target, or no such number");
  const tell = (line: string): void => void process.stdout.write(`${line}\n`);
  return (await fuzz({ targets, inputs, seed, workers, tell })) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  process.stderr.write(`${error.message}\n${USAGE}`);
  process.exitCode = 2;
}
