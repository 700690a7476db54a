import type { DiskFault } from "../disk.js";
import { anyHost, type Ingredient, moments, oneOf, wholeBetween } from "../plan.js";
import type { HuntWorld } from "../world.js";
import { on } from "./crash.js";

const MOST_FAULTS = 3;
const LONGEST_MS = 40_000;
const LONGEST_AWAY_MS = 5_000;

/** Nothing more can be written for a while. */
export const DISK_FULL = failing("disk full", "full");

/** The disk was mounted anew, and not for us. */
export const DISK_READ_ONLY = failing("disk read-only", "readOnly");

/** Errors of the device, in reading as in writing. */
export const DISK_ERRORS = failing("disk errors", "broken");

/** The file is destroyed while its host is without power. */
export const DISK_DAMAGED: Ingredient = {
  name: "disk damaged",
  draw: (scene) =>
    moments(scene, MOST_FAULTS).flatMap((atMs) => {
      const place = anyHost(scene);
      const awayMs = wholeBetween(scene.random, 0, LONGEST_AWAY_MS);
      return {
        atMs,
        what: `${place} loses power, and its database`,
        run: (world: HuntWorld) =>
          on(world, place, (host) => {
            host.cutPower();
            host.plan.disk.damage(world.chance(`disk of ${host.name}`));
            world.at(world.nowMs + awayMs, () => void host.start());
          }),
      };
    }),
};

function failing(name: string, kind: DiskFault["kind"]): Ingredient {
  return {
    name,
    draw: (scene) =>
      moments(scene, MOST_FAULTS).flatMap((atMs) => {
        const { random, activeMs } = scene;
        const place = anyHost(scene);
        const fault: DiskFault = { kind, share: oneOf(random, [1, 1, 0.3]) };
        const endMs = Math.min(activeMs, atMs + wholeBetween(random, 100, LONGEST_MS));
        return [
          {
            atMs,
            what: `${name} at ${place}, ${fault.share * 100} %`,
            run: (world: HuntWorld) =>
              on(world, place, ({ plan: { disk } }) => {
                disk.head.fault = fault;
              }),
          },
          {
            atMs: endMs,
            what: `the disk of ${place} is well`,
            run: (world: HuntWorld) =>
              on(world, place, ({ plan: { disk } }) => {
                disk.head.fault = undefined;
              }),
          },
        ];
      }),
  };
}
