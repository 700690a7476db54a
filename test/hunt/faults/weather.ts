import { uniformBetween } from "../../../src/crypto/random.js";
import type { SeededRandom } from "../../support/seededRandom.js";
import { CALM, type Faults } from "../../support/simMedium.js";
import { type Ingredient, moments } from "../plan.js";
import type { HuntWorld } from "../world.js";

const MOST_CHANGES = 4;
const CALM_AGAIN = 0.3;

export const LOSS = weather("loss", { lossPercent: 0 }, (random) => ({
  lossPercent: uniformBetween(random, 1, 50),
}));

export const DUPLICATION = weather("duplication", { duplicatePercent: 0 }, (random) => ({
  duplicatePercent: uniformBetween(random, 1, 50),
}));

export const REORDERING = weather("reordering", { reorderPercent: 0 }, (random) => ({
  reorderPercent: uniformBetween(random, 1, 60),
  reorderMs: uniformBetween(random, 1, 200),
}));

export const DELAY = weather(
  "delay",
  { minDelayMs: CALM.minDelayMs, maxDelayMs: CALM.maxDelayMs },
  (random) => {
    const minDelayMs = uniformBetween(random, 0.1, 150);
    return { minDelayMs, maxDelayMs: minDelayMs + uniformBetween(random, 0, 150) };
  },
);

/** A fault of the whole LAN that comes and goes, each time as strong as chance wants. */
function weather(
  name: string,
  over: Partial<Faults>,
  drawn: (random: SeededRandom) => Partial<Faults>,
): Ingredient {
  return {
    name,
    draw: (scene) =>
      moments(scene, MOST_CHANGES).map((atMs, place) => {
        const isOver = place > 0 && scene.random.uniform() < CALM_AGAIN;
        const change = isOver ? over : drawn(scene.random);
        return {
          atMs: place === 0 ? 0 : atMs,
          what: `${name} ${JSON.stringify(change)}`,
          run: (world: HuntWorld) => {
            world.weather = { ...world.weather, ...change };
          },
        };
      }),
  };
}
