import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../../support/cliWorld.js";
import { inParallel } from "../../support/inParallel.js";
import { type Result, resultOf } from "../result.js";
import { type BenchUser, type Stage, startDaemon } from "../stage.js";
import { timed } from "../timing.js";

const WHAT = "a new interface, `ip link add` to both rosters";
const RUNS = 5;
/** What a daemon says when it starts has been said by then. */
const SETTLED_MS = 2_500;
/** As INTERFACE_POLL_MS of src/net. */
const BETWEEN_LOOKS_MS = 2_000;
const PATIENCE_MS = 20_000;

/**
 * Each run has a daemon of its own that has run for a while with nothing but `lo`, and
 * gets its interface at any point of the time between two of its looks at them.
 */
export async function measureNewInterface({ alice, hosts }: Stage): Promise<Result[]> {
  if (hosts === undefined) return [resultOf(WHAT, [], { problem: "not measured: needs root" })];
  const newcomers = Array.from({ length: RUNS }, (_, i) => {
    const host = hosts.lan.addHost({ connected: false });
    return { host, user: hosts.user(hosts.lan.hosts.indexOf(host), `newcomer${i}`) };
  });
  await inParallel(2, newcomers, ({ user }) => startDaemon(user));
  await delay(SETTLED_MS);
  const samples: number[] = [];
  for (const { host, user } of newcomers) {
    await delay(Math.random() * BETWEEN_LOOKS_MS);
    const sample = await timed(async () => {
      host.addInterface(host.interfaceName, `${host.address}/24`);
      await Promise.all([untilOnline(user, alice), untilOnline(alice, user)]);
    });
    samples.push(sample);
    await user.run(["stop"]);
  }
  return [resultOf(WHAT, samples)];
}

/** Looks every 20 ms. */
function untilOnline(watcher: BenchUser, watched: BenchUser): Promise<void> {
  return eventually(
    async () => {
      const peers = await watcher.api.call("peers", {});
      return peers.some(({ name, state }) => name === watched.name && state === "online");
    },
    () => `${watcher.name} to see ${watched.name}`,
    PATIENCE_MS,
  );
}
