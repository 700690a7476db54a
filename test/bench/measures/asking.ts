import { type Result, resultOf } from "../result.js";
import { type Stage, targetOf } from "../stage.js";
import { repeated, timed } from "../timing.js";

const RUNS = 500;

/** `ask` over alice's daemon, answered by a `requests` stream of bob's. */
export async function measureAsking({ alice, bob }: Stage): Promise<Result[]> {
  const target = await targetOf(bob);
  const answering = new AbortController();
  const requests = bob.api.stream("requests", {}, { signal: answering.signal });
  const lines = requests[Symbol.asyncIterator]();
  await lines.next(); // ready: from here on they come to us
  const answerer = (async () => {
    for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
      const line = next.value;
      if (line.type !== "request") continue;
      await bob.api.call("answer", { id: line.id, text: line.text });
    }
  })();
  try {
    const rtts: number[] = [];
    const samples = await repeated(RUNS, () =>
      timed(async () => {
        rtts.push((await alice.api.call("ask", { target, text: "ping" })).rttMs);
      }),
    );
    return [
      resultOf("`ask` to its reply, over both daemons' sockets", samples),
      resultOf("the same, its `rttMs` alone", rtts),
    ];
  } finally {
    answering.abort();
    await answerer;
  }
}
