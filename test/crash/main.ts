/** The crash run by hand: see USAGE. */
import { parseArgs } from "node:util";
import { runCrashes } from "./crashRun.js";

const USAGE = `usage: node test/crash/run.js [--kills 300] [--seed N]
  Kills the daemons of the built program (npm run build) at random instants, under a stream of sends
  and group lines on the loopback interface, and checks that nothing is lost and nothing comes twice.
`;
const MOST_FAULTS = 40;

function parseOptions(): { kills: number; seed: number } | undefined {
  try {
    const { values } = parseArgs({
      options: { kills: { type: "string" }, seed: { type: "string" } },
    });
    const kills = Number(values.kills ?? 300);
    const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
    if (Number.isSafeInteger(kills) && kills > 0 && Number.isSafeInteger(seed)) {
      return { kills, seed };
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  }
  process.stderr.write(USAGE);
  return undefined;
}

const options = parseOptions();
if (options === undefined) {
  process.exitCode = 2;
} else {
  const tell = (line: string): void => void process.stdout.write(`${line}\n`);
  const { faults, summary } = await runCrashes({ ...options, tell });
  tell(summary);
  for (const fault of faults.slice(0, MOST_FAULTS)) tell(`FAULT ${fault}`);
  if (faults.length > MOST_FAULTS) tell(`and ${faults.length - MOST_FAULTS} more`);
  tell(faults.length === 0 ? "all held" : `${faults.length} FAULTS`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
