import { type Result, resultOf } from "../result.js";
import type { Stage } from "../stage.js";
import { repeated } from "../timing.js";

const RUNS = 20;
/** Peers grant one asker an answer a second: no run asks again sooner. */
const TIMEOUT_MS = 1000;
const PEERS = 2;

/** `discover` with a daemon on every host, as a process and over the daemon's socket. */
export async function measureDiscovering(stage: Stage): Promise<Result[]> {
  let incomplete = 0;
  const process = await repeated(RUNS, async () => {
    const lastMs = await untilLastLine(stage);
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

/** From the start of the process to the last peer's line; undefined if one is missing. */
async function untilLastLine(stage: Stage): Promise<number | undefined> {
  const startMs = performance.now();
  const command = stage.alice.spawn("discover", "--json", "--timeout", `${TIMEOUT_MS}ms`);
  let lines = 0;
  let lastMs: number | undefined;
  command.onStdout = (text) => {
    lines += text.split("\n").length - 1;
    if (lines >= PEERS) lastMs ??= performance.now() - startMs;
  };
  command.endInput("");
  await command.ended();
  return lastMs;
}
