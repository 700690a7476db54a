import { anyHost, type Ingredient, moments, oneOf, wholeBetween } from "../plan.js";
import type { HuntWorld } from "../world.js";

const MOST_PAUSES = 4;
const LONGEST_MS = 15_000;
const BUFFERS_DATAGRAMS = [0, 4, 16, 92, 256];

/** The process stands still; what its buffer holds it reads afterwards, the rest is lost. */
export const PAUSE: Ingredient = {
  name: "pause and overflow",
  draw: (scene) =>
    moments(scene, MOST_PAUSES).map((atMs) => {
      const place = anyHost(scene);
      const spanMs = Math.min(wholeBetween(scene.random, 10, LONGEST_MS), scene.activeMs - atMs);
      const bufferDatagrams = oneOf(scene.random, BUFFERS_DATAGRAMS);
      return {
        atMs,
        what: `${place} stands still for ${spanMs} ms, with room for ${bufferDatagrams} datagrams`,
        run: (world: HuntWorld) => world.hosts[place]?.machine.pause(spanMs, bufferDatagrams),
      };
    }),
};

/** A closed lid: nothing arrives, and the monotonic clock may stand still as well. */
export const SUSPEND: Ingredient = {
  name: "suspend",
  draw: (scene) =>
    moments(scene, 2).map((atMs) => {
      const place = anyHost(scene);
      const leftMs = scene.activeMs - atMs;
      const spanMs = Math.min(wholeBetween(scene.random, 100, leftMs + 100), leftMs);
      const clockStops = scene.random.uniform() < 0.5;
      return {
        atMs,
        what: `${place} sleeps for ${spanMs} ms${clockStops ? ", and so does its clock" : ""}`,
        run: (world: HuntWorld) => world.hosts[place]?.machine.suspend(spanMs, clockStops),
      };
    }),
};
