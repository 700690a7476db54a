import { DEFAULT_DATA_PORT } from "../../src/wire/constants.js";
import { SeededRandom } from "../support/seededRandom.js";
import { drawnDisk } from "./diskChoice.js";
import { CLOCK_JUMP } from "./faults/wallClock.js";
import type { HostPlan } from "./hostPlan.js";
import { FAULTS, MAIN_WORK, WORK } from "./ingredients.js";
import { drawnLimits } from "./limitsChoice.js";
import { type Ingredient, oneOf, type Scene, type Step, wholeBetween } from "./plan.js";
import { cryptoOf } from "./simHome.js";
import { hashOf } from "./world.js";

/** What of a seed's own is left out: a failure that stays is easier to read. */
export interface Reduction {
  /** Places of the steps that are left; undefined: all of them. */
  readonly steps?: readonly number[];
  /** Only the first so many hosts. */
  readonly hosts?: number;
}

/** All that a seed stands for. */
export interface Scenario {
  readonly seed: number;
  readonly hosts: readonly HostPlan[];
  /** In the order of their time. */
  readonly steps: readonly Step[];
  /** When the last fault ends. */
  readonly activeMs: number;
}

const NAMES = ["ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal", "ida", "jon", "kit", "leo"];
/** A few have many. */
const HOSTS = [...Array.from({ length: 5 }, () => [2, 2, 2, 3, 3, 3, 4, 4, 5]).flat(), 8, 10, 12];
/** They cost ten times as much: of those drawn, this share stays as it is. */
const MANY_HOSTS = 8;
const MANY_HOSTS_CHANCE = 0.5;
const WORK_CHANCE = 0.15;
/** Some five of them: more hide one another. */
const FAULT_CHANCE = 0.12;
const SAME_MACHINE_CHANCE = 0.1;
const SAME_NAME_CHANCE = 0.1;
/** Of several kinds each seed has half. */
const TIGHT_LIMITS_CHANCE = 0.35;
/** Longer than a seed, and shorter than ago what some say that they have said. */
const RETENTION_MS = 86_400_000;
const RETENTION_CHANCE = 0.5;
const REAL_CRYPTO_CHANCE = 0.05;

/** Swarm testing (Groce et al., 2012): each seed has some kinds of work and faults, and not others. */
export function scenarioOf(seed: number, reduction: Reduction = {}): Scenario {
  const random = new SeededRandom(seed);
  const crypto = random.uniform() < REAL_CRYPTO_CHANCE ? "real" : "simulated";
  const hosts = hostsOf(seed, oneOf(random, HOSTS));
  const activeMs = wholeBetween(random, 3_000, 30_000);
  const sure = oneOf(random, MAIN_WORK);
  const steps = [...WORK, ...FAULTS]
    .flatMap((ingredient) => {
      // Chance of its own: another kind of fault changes nothing in what there was.
      const scene = { random: new SeededRandom(seed ^ hashOf(ingredient.name)), hosts, activeMs };
      const share = WORK.includes(ingredient) ? WORK_CHANCE : FAULT_CHANCE;
      const isChosen = scene.random.uniform() < share || ingredient === sure;
      return isChosen ? stepsOf(ingredient, scene) : [];
    })
    .toSorted((a, b) => a.atMs - b.atMs);
  const neighbours = random.uniform() < SAME_MACHINE_CHANCE ? 2 : 1;
  const limits = random.uniform() < TIGHT_LIMITS_CHANCE ? drawnLimits(seed, hosts - 1) : {};
  // By a clock that is set years ahead everything is too old.
  const mayForget = steps.every(({ kind }) => kind !== CLOCK_JUMP.name);
  const isClash = random.uniform() < SAME_NAME_CHANCE;
  return {
    seed,
    hosts: NAMES.slice(0, reduction.hosts ?? hosts).map((name, place) => ({
      name,
      nickname: isClash && place > 0 ? "bob" : name,
      // The first ones may be users of one machine.
      address: `10.77.0.${Math.max(place + 1, neighbours)}`,
      dataPort: DEFAULT_DATA_PORT,
      crypto: cryptoOf(crypto, name),
      limits,
      disk: drawnDisk(seed, name),
      options:
        mayForget &&
        new SeededRandom(seed ^ hashOf(`retention of ${name}`)).uniform() < RETENTION_CHANCE
          ? { retentionMs: RETENTION_MS }
          : {},
    })),
    steps: reduction.steps === undefined ? steps : reduction.steps.flatMap((at) => steps[at] ?? []),
    activeMs,
  };
}

function hostsOf(seed: number, drawn: number): number {
  if (drawn < MANY_HOSTS) return drawn;
  const isLarge = new SeededRandom(seed ^ hashOf("many hosts")).uniform() < MANY_HOSTS_CHANCE;
  return isLarge ? drawn : drawn - 6;
}

function stepsOf({ name, draw }: Ingredient, scene: Scene): Step[] {
  return draw(scene).map((step) => ({ ...step, kind: name }));
}
