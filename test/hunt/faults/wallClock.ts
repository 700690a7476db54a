import { anyHost, type Ingredient, moments, oneOf, wholeBetween } from "../plan.js";
import type { HuntWorld } from "../world.js";

const MOST_JUMPS = 3;
const SECOND_MS = 1_000;
const YEAR_MS = 365 * 86_400_000;

/** Somebody, or NTP, sets the clock on the wall; also far off, as without a battery. */
export const CLOCK_JUMP: Ingredient = {
  name: "clock jump",
  draw: (scene) =>
    moments(scene, MOST_JUMPS).map((atMs) => {
      const place = anyHost(scene);
      const unitMs = oneOf(scene.random, [1, SECOND_MS, 3600 * SECOND_MS, YEAR_MS]);
      const byMs = wholeBetween(scene.random, -20, 20) * unitMs;
      return {
        atMs,
        what: `the clock of ${place} is set by ${byMs} ms`,
        run: (world: HuntWorld) => {
          const time = world.hosts[place]?.time;
          if (time !== undefined) time.wallOffsetMs += byMs;
        },
      };
    }),
};
