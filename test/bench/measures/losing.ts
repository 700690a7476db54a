import type { DeliveryLine } from "../../../src/api/lines.js";
import { eventually } from "../../support/cliWorld.js";
import { inParallel } from "../../support/inParallel.js";
import { type Result, resultOf } from "../result.js";
import { type BenchUser, type Stage, targetOf } from "../stage.js";
import { histogramOf, repeated, timed } from "../timing.js";

const SENDS = 500;
const AT_ONCE = 10;
const LONG_RUNS = 20;
const LONG_BYTES = 65_536;
const GROUP = "#bench";
const GROUP_LINES = 200;
/** Nobody gives up sooner: what is slow is to be seen, not cut off. */
const PATIENCE_MS = 60_000;

/** What a network that loses datagrams does to messages, long messages and groups. */
export async function measureLosing(stage: Stage): Promise<Result[]> {
  const lan = stage.hosts?.lan;
  if (lan === undefined) {
    const problem = "not measured: needs root";
    return [resultOf("delivery, long texts and groups under loss", [], { problem })];
  }
  try {
    lan.setLoss(30);
    const short = await measureShort(stage);
    const group = await measureGroup(stage);
    lan.setLoss(20);
    return [...short, await measureLong(stage), group];
  } finally {
    lan.setLoss(0);
  }
}

async function measureShort({ alice, bob }: Stage): Promise<Result[]> {
  const target = await targetOf(bob);
  const texts = Array.from({ length: SENDS }, (_, i) => `message ${i}`);
  const deliveries: DeliveryLine[] = [];
  const each: number[] = [];
  const all = await timed(() =>
    inParallel(AT_ONCE, texts, async (text) => {
      const input = { target, text, timeoutMs: PATIENCE_MS };
      each.push(await timed(async () => deliveries.push(await alice.api.call("send", input))));
    }),
  );
  const facts = {
    delivered: `${deliveredOf(deliveries)} of ${SENDS}`,
    attempts: histogramOf(attemptsOf(deliveries)),
  };
  return [
    resultOf(`${SENDS} sends, ${AT_ONCE} at a time, 30 % loss both ways: all`, [all], { facts }),
    resultOf("each of them", each),
  ];
}

async function measureLong({ alice, bob }: Stage): Promise<Result> {
  const target = await targetOf(bob);
  const text = "x".repeat(LONG_BYTES);
  const deliveries: DeliveryLine[] = [];
  const samples = await repeated(LONG_RUNS, () =>
    timed(async () => {
      const input = { target, text, timeoutMs: PATIENCE_MS };
      deliveries.push(await alice.api.call("send", input));
    }),
  );
  const facts = {
    delivered: `${deliveredOf(deliveries)} of ${LONG_RUNS}`,
    attempts: histogramOf(attemptsOf(deliveries)),
  };
  return resultOf("64 KiB, 20 % loss both ways", samples, { facts });
}

function deliveredOf(deliveries: readonly DeliveryLine[]): number {
  return deliveries.filter(({ status }) => status === "delivered").length;
}

async function measureGroup({ alice, bob, carol }: Stage): Promise<Result> {
  const users = [alice, bob, carol];
  const leaving = new AbortController();
  const heard = users.map(() => ({ lines: 0, gaps: 0 }));
  const listening = users.map((user, i) => listen(user, heard[i], leaving.signal));
  try {
    for (const user of users) await untilComplete(user, users.length - 1);
    const expected = GROUP_LINES * (users.length - 1);
    let sayingMs = 0;
    const allMs = await timed(async () => {
      sayingMs = await timed(() => Promise.all(users.map(sayAll)));
      await eventually(
        () => heard.every(({ lines }) => lines >= expected),
        () => `${expected} lines at each member, not ${heard.map(({ lines }) => lines).join()}`,
        PATIENCE_MS,
      );
    });
    const facts = {
      "all said after": `${Math.round(sayingMs)} ms`,
      "lines held": `${heard.map(({ lines }) => lines).join(", ")} of ${expected} each`,
      gaps: heard.reduce((sum, { gaps }) => sum + gaps, 0),
    };
    const what = `${users.length} members x ${GROUP_LINES} group lines, 30 % loss: until all hold all`;
    return resultOf(what, [allMs], { facts });
  } finally {
    leaving.abort();
    await Promise.all(listening);
  }
}

async function listen(
  user: BenchUser,
  heard: { lines: number; gaps: number } | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (heard === undefined) return;
  for await (const line of user.api.stream("chat", { group: GROUP }, { signal })) {
    if (line.type === "message") heard.lines += 1;
    if (line.type === "gap") heard.gaps += 1;
  }
}

async function untilComplete(user: BenchUser, others: number): Promise<void> {
  await eventually(
    async () => {
      const lines = await user.api.call("groups", {});
      return lines.some((line) => line.type === "group" && line.members.length >= others);
    },
    () => `${user.name} to see all members`,
    PATIENCE_MS,
  );
}

async function sayAll(user: BenchUser): Promise<void> {
  for (let i = 0; i < GROUP_LINES; i += 1) {
    await user.api.call("say", { group: GROUP, text: `line ${i} of ${user.name}` });
  }
}

function attemptsOf(deliveries: readonly DeliveryLine[]): number[] {
  return deliveries.flatMap(({ attempts }) => (attempts === null ? [] : [attempts]));
}
