import { CALM } from "../support/simMedium.js";
import { blockNobody } from "./activity/attention.js";
import type { HuntHost } from "./huntHost.js";
import {
  BEFORE_QUIET_MS,
  becomesQuiet,
  INVARIANTS,
  type Invariant,
  QUIET_MS,
  watch,
} from "./invariants.js";
import { stackOf } from "./ledger.js";
import { type Reduction, type Scenario, scenarioOf } from "./scenario.js";
import { HuntWorld } from "./world.js";

/** Why a seed failed. */
export interface Failure {
  /** Name of an invariant. */
  readonly invariant: string;
  readonly message: string;
  readonly atMs: number;
}

export interface HuntResult {
  readonly seed: number;
  readonly failure: Failure | undefined;
  readonly hosts: number;
  readonly steps: number;
  readonly simulatedMs: number;
  /** How often what happened. */
  readonly stats: ReadonlyMap<string, number>;
  readonly trace: readonly string[];
}

export interface HuntOptions extends Reduction {
  /** Every datagram has a line in the trace. */
  readonly datagrams?: boolean;
}

const LOOK_EVERY_MS = 500;
/** Everything that is not lost for good is repaired by then. */
const SETTLE_MS = 180_000;

/** Those that run by then, and those that say goodbye first. */
const STARTED_AFTER_MS = [1_000, 10_000];
const REST_CHANCE = 0.05;
/** What strangers did not deliver is asked for no more. */
const AFTER_STRANGERS_MS = 600_000;

/** Lives through one seed, and looks whether everything held. */
export async function hunt(seed: number, options: HuntOptions = {}): Promise<HuntResult> {
  const scenario = scenarioOf(seed, options);
  const world = new HuntWorld(seed, { datagrams: options.datagrams === true });
  watch(world);
  try {
    const failure =
      (await liveThrough(world, scenario)) ??
      (await settle(world, "settled", SETTLE_MS)) ??
      (await rest(world));
    for (const host of world.hosts) if (host.messenger !== undefined) world.ended(host.messenger);
    return {
      seed,
      failure,
      hosts: scenario.hosts.length,
      steps: scenario.steps.length,
      simulatedMs: world.nowMs,
      stats: world.stats,
      trace: world.trace,
    };
  } finally {
    world.end();
  }
}

async function liveThrough(world: HuntWorld, scenario: Scenario): Promise<Failure | undefined> {
  for (const plan of scenario.hosts) await world.addHost(plan).start();
  for (const step of scenario.steps) {
    world.at(step.atMs, () => {
      world.count(`step ${step.kind}`);
      world.note("plan", step.what);
      Promise.resolve(step.run(world)).catch((error: unknown) =>
        world.ledger.fault("noCrash", `${step.what}: ${String(error)}`),
      );
    });
  }
  while (world.nowMs < scenario.activeMs) {
    await world.run(LOOK_EVERY_MS);
    const failure = look(world, "always");
    if (failure !== undefined) return failure;
  }
  calmDown(world);
  return undefined;
}

/** No more faults: everybody is up, and hears everybody. */
function calmDown(world: HuntWorld): void {
  world.note("plan", "peace");
  world.peaceSinceMs = world.nowMs;
  world.weather = CALM;
  world.cuts.clear();
  world.tampering.clear();
  for (const clone of world.clones) clone.kill();
  for (const host of world.hosts) {
    host.recover();
    start(world, host);
  }
  // When everybody runs.
  for (const afterMs of STARTED_AFTER_MS) {
    world.at(world.nowMs + afterMs, () => {
      blockNobody(world);
      for (const host of world.hosts) void host.joinAll();
    });
  }
}

function start(world: HuntWorld, host: HuntHost): void {
  host.start().catch((error: unknown) => {
    world.ledger.fault("noCrash", `${host.name} cannot start: ${stackOf(error)}`);
  });
}

async function settle(
  world: HuntWorld,
  when: Invariant["when"],
  withinMs: number,
): Promise<Failure | undefined> {
  let unsettled: Failure | undefined;
  for (const endMs = world.nowMs + withinMs; ; ) {
    await world.run(LOOK_EVERY_MS);
    const failure = look(world, "always");
    if (failure !== undefined) return failure;
    const isEnd = world.nowMs >= endMs;
    // What was not settled half a second ago is mostly not yet either.
    if (!isEnd && unsettled !== undefined && isBroken(world, unsettled)) continue;
    unsettled = look(world, when);
    if (unsettled === undefined || isEnd) return unsettled;
  }
}

/** Some seeds see to it that nothing goes on for ever. */
async function rest(world: HuntWorld): Promise<Failure | undefined> {
  if (world.chance("rest").uniform() >= REST_CHANCE) return undefined;
  const strangers = [...world.ledger.strangers.values()];
  // Members whose histories differ for good go on asking each other (PROTOCOL 6.8).
  if (strangers.some(({ misplaced }) => misplaced.size > 0)) return undefined;
  if (strangers.length > 0) await world.run(AFTER_STRANGERS_MS);
  await world.run(BEFORE_QUIET_MS);
  becomesQuiet(world);
  world.note("plan", "rest");
  await world.run(QUIET_MS);
  return look(world, "always") ?? look(world, "settled") ?? look(world, "quiet");
}

function isBroken(world: HuntWorld, { invariant }: Failure): boolean {
  return INVARIANTS.find(({ name }) => name === invariant)?.broken?.(world) !== undefined;
}

function look(world: HuntWorld, when: Invariant["when"]): Failure | undefined {
  const [fault] = world.ledger.faults;
  if (fault !== undefined) return fault;
  for (const { name, when: its, broken } of INVARIANTS) {
    const message = its === when ? broken?.(world) : undefined;
    if (message !== undefined) return { invariant: name, message, atMs: world.nowMs };
  }
  return undefined;
}
