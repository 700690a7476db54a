import type { HuntHost } from "../huntHost.js";
import { anyHost, type Ingredient, moments, wholeBetween } from "../plan.js";
import type { HuntWorld } from "../world.js";

const MOST_ENDS = 4;
const LONGEST_AWAY_MS = 15_000;

/** `kill -9`, and another start. */
export const KILL = ending("kill", (host) => host.kill());

/** The power fails, with what the disk did not have yet. */
export const POWER_CUT = ending("power cut", (host) => host.cutPower());

/** Ends as it should, and starts again. */
export const CLOSE = ending("close", (host) => host.close());

function ending(name: string, end: (host: HuntHost) => void | Promise<void>): Ingredient {
  return {
    name,
    draw(scene) {
      const { random, activeMs } = scene;
      return moments(scene, MOST_ENDS).flatMap((atMs) => {
        const place = anyHost(scene);
        const backMs = Math.min(activeMs, atMs + wholeBetween(random, 0, LONGEST_AWAY_MS));
        return [
          {
            atMs,
            what: `${name} of ${place}`,
            run: (world: HuntWorld) => on(world, place, end),
          },
          {
            atMs: backMs,
            what: `${place} starts`,
            run: (world: HuntWorld) => on(world, place, (host) => host.start()),
          },
        ];
      });
    },
  };
}

async function on(
  world: HuntWorld,
  place: number,
  work: (host: HuntHost) => void | Promise<void>,
): Promise<void> {
  const host = world.hosts[place];
  if (host !== undefined) await work(host);
}
