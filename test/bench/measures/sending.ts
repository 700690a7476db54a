import { type Result, resultOf } from "../result.js";
import { type Stage, startDaemon, targetOf } from "../stage.js";
import { repeated, timed, timedCommand } from "../timing.js";

const PROCESS_RUNS = 30;
const API_RUNS = 200;

/** One `send`; alice's daemon must not run yet, and runs afterwards. */
export async function measureSending(stage: Stage): Promise<Result[]> {
  const { alice, bob } = stage;
  const target = await targetOf(bob);
  const send = (): Promise<number> => timedCommand(() => alice.spawn("send", target, "hello"));

  const bare = await repeated(PROCESS_RUNS, () => timedCommand(() => stage.bareNode()));
  await send(); // creates the identity
  const alone = await repeated(PROCESS_RUNS, send);
  await startDaemon(alice);
  await send(); // opens the session
  const withDaemon = await repeated(PROCESS_RUNS, send);

  const rtts: number[] = [];
  const overSocket = await repeated(API_RUNS, () =>
    timed(async () => {
      const delivery = await alice.api.call("send", { target, text: "hello" });
      if (delivery.rttMs !== null) rtts.push(delivery.rttMs);
    }),
  );
  return [
    resultOf("`node -e 0`, whole process", bare),
    resultOf("`send` with a daemon, whole process", withDaemon),
    resultOf("`send` without a daemon, whole process", alone),
    resultOf("send over the daemon's socket", overSocket),
    resultOf("the same, its `rttMs` alone", rtts),
  ];
}
