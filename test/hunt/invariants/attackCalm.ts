import { WORK } from "../ingredients.js";
import type { HuntWorld } from "../world.js";
import { memoryOf } from "./invariant.js";

/** Kinds of steps that may hurt nobody, so that what they do hurts is a finding. */
const HARMLESS: ReadonlySet<string> = new Set([
  "replayed",
  "echoed",
  "damaged",
  "forged",
  "stranger",
  "flood",
  "calls",
  "plain text",
  "mixed versions",
  "later speaker",
]);

interface Calm {
  sinceMs: number;
  /** Of what was counted that is no attack. */
  disturbances: number;
}

const calmIn = memoryOf<Calm>(() => ({ sinceMs: 0, disturbances: 0 }));

/**
 * Since when nothing is wrong but what attackers say: hosts run, hear each other, and stay where
 * they are. To be asked every half second at least.
 */
export function calmSinceMs(world: HuntWorld): number {
  const calm = calmIn(world);
  let disturbances = 0;
  for (const [what, count] of world.stats) {
    if (isDisturbance(what)) disturbances += count;
  }
  for (const { starts } of world.hosts) disturbances += starts;
  if (disturbances !== calm.disturbances || isDisturbed(world)) {
    calm.disturbances = disturbances;
    calm.sinceMs = world.nowMs;
  }
  return calm.sinceMs;
}

/** Of everything that is counted; bounded by its names. */
const disturbances = new Map<string, boolean>();

function isDisturbance(counted: string): boolean {
  let known = disturbances.get(counted);
  if (known === undefined) {
    known = counted.startsWith("step ") && !isHarmless(counted.slice("step ".length));
    disturbances.set(counted, known);
  }
  return known;
}

function isHarmless(kind: string): boolean {
  return HARMLESS.has(kind) || WORK.some(({ name }) => name === kind);
}

function isDisturbed({ weather, cuts, tampering, hosts, clones }: HuntWorld): boolean {
  const { lossPercent, maxDelayMs } = weather;
  return (
    lossPercent > 0 ||
    maxDelayMs > 20 ||
    cuts.size > 0 ||
    tampering.size > 0 ||
    clones.some(({ isUp }) => isUp) ||
    hosts.some(
      ({ isUp, isPaused, card, plan }) =>
        !isUp ||
        isPaused ||
        card.isAsleep ||
        card.address === undefined ||
        plan.disk.head.fault !== undefined,
    )
  );
}
