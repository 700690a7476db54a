/**
 * What one kind of traffic between two messengers costs, in counts. They share a process, a clock
 * that is turned and a network in memory, so that nothing depends on how fast the machine is.
 *
 * Argument: the name of the load. Prints one line of JSON: {@link Counts}.
 */
import { PerformanceObserver } from "node:perf_hooks";
import process from "node:process";
import { Messenger } from "../../../src/messenger/messenger.js";
import type { MessengerOptions } from "../../../src/messenger/types.js";
import { ManualClock } from "../../support/manualClock.js";
import { MemorySegment } from "../../support/memoryLan.js";
import { SeededRandom } from "../../support/seededRandom.js";

/** For each 1,000 messages. */
export interface Counts {
  /** Each is one system call where they are sent, and one where they arrive. */
  readonly datagramsOfSender: number;
  readonly datagramsOfReceiver: number;
  /** By both ends, network and clock of the test included. */
  readonly allocatedKiB: number;
}

const TEXT = "x".repeat(64);
/** The compiler has seen enough by then. */
const WARM_UP = 12_000;
const MESSAGES = 2_000;
const IN_FLIGHT = 250;

type Load = (pair: Pair, messages: number) => Promise<void>;

interface Pair {
  readonly clock: ManualClock;
  readonly sender: Messenger;
  readonly receiver: Messenger;
  readonly target: string;
  /** Messages that the receiver was told of. */
  readonly taken: () => number;
}

async function sendInBursts({ clock, sender, target }: Pair, messages: number): Promise<void> {
  for (let sent = 0; sent < messages; sent += IN_FLIGHT) {
    const deliveries = Array.from({ length: IN_FLIGHT }, () => sender.send(target, TEXT));
    await clock.until(Promise.all(deliveries));
  }
}

async function askInTurn({ clock, sender, target }: Pair, messages: number): Promise<void> {
  for (let asked = 0; asked < messages; asked += 1) await clock.until(sender.ask(target, TEXT));
}

async function sayInBursts({ clock, sender, taken }: Pair, messages: number): Promise<void> {
  const group = sender.groups()[0];
  if (group === undefined) throw new Error("in no group");
  for (let said = 0; said < messages; said += IN_FLIGHT) {
    const before = taken();
    const lines = Array.from({ length: IN_FLIGHT }, () => group.say(TEXT));
    await clock.until(Promise.all(lines));
    while (taken() < before + IN_FLIGHT) await clock.advance(1);
    // What may be sent in a second, and what is said behind the last line.
    await clock.advance(1_000);
  }
}

/** The young generation, with room for all of it, is empty: see `guard.test.ts`. */
function collect(): void {
  if (globalThis.gc === undefined) throw new Error("start it with --expose-gc");
  globalThis.gc();
}

const LOADS: Readonly<Record<string, { readonly store: "none" | "memory"; readonly run: Load }>> = {
  "texts in bursts": { store: "none", run: sendInBursts },
  "texts in bursts, kept in memory": { store: "memory", run: sendInBursts },
  "requests in turn": { store: "none", run: askInTurn },
  "group lines in bursts": { store: "none", run: sayInBursts },
};

async function openPair(store: "none" | "memory"): Promise<Pair> {
  const clock = new ManualClock();
  const segment = new MemorySegment();
  const open = (name: string, seed: number): Promise<Messenger> => {
    const options: MessengerOptions = { name, ephemeral: true, store };
    const random = new SeededRandom(seed);
    return Messenger.open(options, { openLan: segment.open, clock, random });
  };
  const sender = await open("sender", 1);
  const receiver = await open("receiver", 2);
  receiver.handle(({ text }) => text);
  let taken = 0;
  const take = async (): Promise<void> => {
    for await (const event of receiver.events()) if (event.type === "message") taken += 1;
  };
  void take();
  const groups = [sender.join("#guard"), receiver.join("#guard")];
  await clock.until(Promise.all(groups));
  await clock.advance(5_000);
  const { interfaces, port } = receiver.status();
  const target = `${interfaces[0]?.address ?? ""}:${port}`;
  return { clock, sender, receiver, target, taken: () => taken };
}

async function count(name: string): Promise<Counts> {
  const load = LOADS[name];
  if (load === undefined) throw new Error(`no load ${name}`);
  const pair = await openPair(load.store);
  for (let warmedUp = 0; warmedUp < WARM_UP; warmedUp += MESSAGES) {
    await load.run(pair, MESSAGES);
    collect();
  }
  const before = seen(pair);
  // Told a while after: those of the warm-up have been.
  let collections = 0;
  const observer = new PerformanceObserver((list) => (collections += list.getEntries().length));
  observer.observe({ entryTypes: ["gc"] });
  await load.run(pair, MESSAGES);
  const after = seen(pair);
  if (collections > 0) throw new Error("something was collected in between: counts are wrong");
  const thousands = MESSAGES / 1_000;
  return {
    datagramsOfSender: (after.ofSender - before.ofSender) / thousands,
    datagramsOfReceiver: (after.ofReceiver - before.ofReceiver) / thousands,
    allocatedKiB: (after.bytes - before.bytes) / 1024 / thousands,
  };
}

function seen({ sender, receiver }: Pair): { ofSender: number; ofReceiver: number; bytes: number } {
  const sentBy = (messenger: Messenger): number =>
    messenger.status().counters["socketDatagramsSent"] ?? Number.NaN;
  const datagrams = { ofSender: sentBy(sender), ofReceiver: sentBy(receiver) };
  // Nothing is collected meanwhile: what is in use is what was allocated.
  const { heapUsed, external } = process.memoryUsage();
  return { ...datagrams, bytes: heapUsed + external };
}

const counts = await count(process.argv[2] ?? "");
process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit());
