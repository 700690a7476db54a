/** One process of one contender, told by the harness what to do: see `comparison/orders.ts`. */
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import * as v from "valibot";
import {
  type Assignment,
  AssignmentSchema,
  type Order,
  OrderSchema,
  type Report,
} from "../comparison/orders.js";
import type { Contender, Outlet, Venue } from "./contender.js";
import { cpuMsSince, Tally, textsOf } from "./texts.js";

const POLL_MS = 10;
/** Between two looks at the clock. */
const BATCH = 16;

/** Each process loads no more than its own. */
const CONTENDERS: Readonly<Record<string, () => Promise<Contender>>> = {
  dgram: async () => (await import("./dgram/contender.js")).contender,
  tcp: async () => (await import("./tcp/contender.js")).contender,
  ws: async () => (await import("./ws/contender.js")).contender,
  nats: async () => (await import("./nats/contender.js")).contender,
  zeromq: async () => (await import("./zeromq/contender.js")).contender,
  mqtt: async () => (await import("./mqtt/contender.js")).contender,
  udpchat: async () => (await import("./udpchat/contender.js")).udpchat("memory"),
  "udpchat-disk": async () => (await import("./udpchat/contender.js")).udpchat("disk"),
};

/** Does what it is told; throws what went wrong. */
type Playing = (order: Order) => Promise<Report>;

async function main(): Promise<void> {
  // Nothing outlives the harness.
  process.once("disconnect", () => process.exit());
  const tell = (report: Report): void => void process.send?.(report);
  const fail = (error: unknown): void => {
    tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  };
  process.on("uncaughtException", fail);
  try {
    const playing = await start(v.parse(AssignmentSchema, JSON.parse(process.argv[2] ?? "")), tell);
    process.on("message", (message) => {
      playing(v.parse(OrderSchema, message)).then(tell, fail);
    });
  } catch (error) {
    fail(error);
  }
}

async function start(assignment: Assignment, tell: (report: Report) => void): Promise<Playing> {
  const contender = await CONTENDERS[assignment.contender]?.();
  if (contender === undefined) throw new Error(`no contender ${assignment.contender}`);
  const venue: Venue = { peer: undefined, ...assignment.venue };
  const ready = (at?: { readonly address: string; readonly port: number }): void =>
    tell({
      kind: "ready",
      ...(at === undefined ? {} : { at: { address: at.address, port: at.port } }),
    });
  switch (assignment.role) {
    case "answerer":
      ready(await contender.answer(venue));
      return refuse;
    case "relay":
      if (contender.relay === undefined) throw new Error("it needs no relay");
      ready(await contender.relay(venue));
      return refuse;
    case "asker": {
      const ask = await contender.ask(venue);
      ready();
      return (order) => askAll(ask, order);
    }
    case "receiver":
    case "member": {
      let tally = new Tally(0);
      const take = (text: string): void => tally.take(text);
      if (assignment.role === "receiver") {
        ready(await contender.receive(venue, take));
      } else {
        await contender.join(venue, take);
        ready();
      }
      return async (order) => {
        if (order.kind === "count") {
          return tally.counted(order.sent, order.quietMs, () => delay(POLL_MS));
        }
        tally = new Tally(order.round);
        return { kind: "listening" };
      };
    }
    case "sender":
    case "speaker": {
      const outlet = await (assignment.role === "sender"
        ? contender.send(venue)
        : contender.speak(venue));
      ready();
      return (order) => sendAll(outlet, order);
    }
  }
}

async function refuse(order: Order): Promise<Report> {
  throw new Error(`it does nothing but answer: ${order.kind}`);
}

async function askAll(ask: (text: string) => Promise<string>, order: Order): Promise<Report> {
  if (order.kind !== "ask") return refuse(order);
  const texts = textsOf(order.round, order.sizeBytes);
  const roundTripsUs: number[] = [];
  const cpu = process.cpuUsage();
  const endMs = performance.now() + order.forMs;
  for (let nowMs = performance.now(); nowMs < endMs; ) {
    const text = texts(roundTripsUs.length);
    if ((await ask(text)) !== text) throw new Error("a reply that is not the request");
    const afterMs = performance.now();
    roundTripsUs.push((afterMs - nowMs) * 1000);
    nowMs = afterMs;
  }
  return { kind: "asked", roundTripsUs, cpuMs: cpuMsSince(cpu) };
}

async function sendAll(outlet: Outlet, order: Order): Promise<Report> {
  if (order.kind !== "send") return refuse(order);
  const texts = textsOf(order.round, order.sizeBytes);
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const endMs = startMs + order.forMs;
  let sent = 0;
  while (performance.now() < endMs) {
    for (let i = 0; i < BATCH; i += 1) {
      const wait = outlet.send(texts(sent));
      sent += 1;
      if (wait !== undefined) await wait;
    }
  }
  const tookMs = performance.now() - startMs;
  await outlet.drained();
  return { kind: "sent", sent, tookMs, cpuMs: cpuMsSince(cpu) };
}

await main();
