import { DEFAULT_DATA_PORT } from "../../src/wire/constants.js";
import { SeededRandom } from "../support/seededRandom.js";
import { SafeDisk } from "./disk.js";
import type { HostPlan } from "./huntHost.js";
import { FAULTS, WORK } from "./ingredients.js";
import { type Ingredient, oneOf, type Scene, type Step, wholeBetween } from "./plan.js";
import { cryptoOf } from "./simHome.js";

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

const NAMES = ["ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal"];
const WORK_CHANCE = 0.5;
const FAULT_CHANCE = 0.3;
const REAL_CRYPTO_CHANCE = 0.05;

/** Swarm testing (Groce et al., 2012): each seed has some kinds of work and faults, and not others. */
export function scenarioOf(seed: number, reduction: Reduction = {}): Scenario {
  const random = new SeededRandom(seed);
  const crypto = random.uniform() < REAL_CRYPTO_CHANCE ? "real" : "simulated";
  const hosts = oneOf(random, [2, 2, 3, 3, 3, 4, 4, 5, 6]);
  const scene: Scene = { random, hosts, activeMs: wholeBetween(random, 5_000, 60_000) };
  const sure = oneOf(random, WORK);
  const chosen = [
    ...WORK.filter((work) => work === sure || random.uniform() < WORK_CHANCE),
    ...FAULTS.filter(() => random.uniform() < FAULT_CHANCE),
  ];
  const steps = chosen
    .flatMap((ingredient) => stepsOf(ingredient, scene))
    .toSorted((a, b) => a.atMs - b.atMs);
  return {
    seed,
    hosts: NAMES.slice(0, reduction.hosts ?? hosts).map((name, place) => ({
      name,
      nickname: name,
      address: `10.77.0.${place + 1}`,
      dataPort: DEFAULT_DATA_PORT,
      crypto: cryptoOf(crypto, name),
      disk: new SafeDisk(),
    })),
    steps: reduction.steps === undefined ? steps : reduction.steps.flatMap((at) => steps[at] ?? []),
    activeMs: scene.activeMs,
  };
}

function stepsOf({ name, draw }: Ingredient, scene: Scene): Step[] {
  return draw(scene).map((step) => ({ ...step, kind: name }));
}
