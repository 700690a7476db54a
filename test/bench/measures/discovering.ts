import { type Result, resultOf } from "../result.js";
import type { BenchUser, Stage } from "../stage.js";
import { repeated } from "../timing.js";

const RUNS = 20;
/** Peers grant one asker an answer a second: no run asks again sooner. */
const TIMEOUT_MS = 1000;
const PEERS = 2;

/** `discover` with a daemon on every host, as a process and over the daemon's socket. */
export async function measureDiscovering(stage: Stage): Promise<Result[]> {
  let incomplete = 0;
  const process = await repeated(RUNS, async () => {
    const { lastMs } = await untilLastLine(stage.alice, PEERS, TIMEOUT_MS);
    if (lastMs === undefined) incomplete += 1;
    return lastMs ?? Number.POSITIVE_INFINITY;
  });
  const answers: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const startMs = performance.now();
    for await (const _ of stage.alice.api.stream("discover", { timeoutMs: TIMEOUT_MS })) {
      answers.push(performance.now() - startMs);
    }
  }
  const found = process.filter((ms) => Number.isFinite(ms));
  const missed = (count: number): Pick<Result, "facts"> => ({ facts: { missed: count } });
  return [
    resultOf("`discover`, process start to the last of both peers", found, missed(incomplete)),
    resultOf(
      "query to each answer, over the daemon's socket",
      answers,
      missed(RUNS * PEERS - answers.length),
    ),
  ];
}

/**
 * `discover` as a process: how many lines it prints, and when that of the last peer came; undefined
 * if one is missing.
 */
export async function untilLastLine(
  user: Pick<BenchUser, "spawn">,
  peers: number,
  timeoutMs: number,
): Promise<{ readonly found: number; readonly lastMs: number | undefined }> {
  const startMs = performance.now();
  const command = user.spawn("discover", "--json", "--timeout", `${timeoutMs}ms`);
  let found = 0;
  let lastMs: number | undefined;
  command.onStdout = (text) => {
    found += text.split("\n").length - 1;
    if (found >= peers) lastMs ??= performance.now() - startMs;
  };
  command.endInput("");
  await command.ended();
  return { found, lastMs };
}
