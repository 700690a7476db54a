import { type Result, resultOf } from "../result.js";
import { type Stage, startDaemon, targetOf } from "../stage.js";
import { repeated, timed, timedCommand } from "../timing.js";

const PROCESS_RUNS = 30;
const API_RUNS = 200;
const TIMES = { unit: "times" } as const;

interface InTurn {
  readonly bare: number[];
  readonly ours: number[];
  /** Of each of ours to the one before it. */
  readonly ratios: number[];
}

/** Node alone and ours, one after the other: what else the machine does meets both. */
async function inTurn(node: () => Promise<number>, send: () => Promise<number>): Promise<InTurn> {
  const bare: number[] = [];
  const ours = await repeated(PROCESS_RUNS, async () => {
    bare.push(await node());
    return send();
  });
  return { bare, ours, ratios: ours.map((ms, i) => ms / (bare[i] ?? Number.NaN)) };
}

/** One `send`; alice's daemon must not run yet, and runs afterwards. */
export async function measureSending(stage: Stage): Promise<Result[]> {
  const { alice, bob } = stage;
  const target = await targetOf(bob);
  const send = (): Promise<number> => timedCommand(() => alice.spawn("send", target, "hello"));

  const node = (): Promise<number> => timedCommand(() => stage.bareNode());
  await send(); // creates the identity
  const alone = await inTurn(node, send);
  await startDaemon(alice);
  await send(); // opens the session
  const withDaemon = await inTurn(node, send);

  const rtts: number[] = [];
  const overSocket = await repeated(API_RUNS, () =>
    timed(async () => {
      const delivery = await alice.api.call("send", { target, text: "hello" });
      if (delivery.rttMs !== null) rtts.push(delivery.rttMs);
    }),
  );
  return [
    resultOf("`node -e 0`, whole process", [...alone.bare, ...withDaemon.bare]),
    resultOf("`send` with a daemon, whole process", withDaemon.ours),
    resultOf("`send` with a daemon, to the `node -e 0` before it", withDaemon.ratios, TIMES),
    resultOf("`send` without a daemon, whole process", alone.ours),
    resultOf("`send` without a daemon, to the `node -e 0` before it", alone.ratios, TIMES),
    resultOf("send over the daemon's socket", overSocket),
    resultOf("the same, its `rttMs` alone", rtts),
  ];
}
