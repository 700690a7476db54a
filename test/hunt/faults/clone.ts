import { anyHost, type Ingredient, moments, oneOf } from "../plan.js";
import { type Drawn, during } from "./attack.js";

const LONGEST_MS = 45_000;

/** A disk was copied: a second machine runs with the same key for a while. */
export const CLONE: Ingredient = {
  name: "clone",
  draw: (scene) =>
    moments(scene, 1).map((atMs): Drawn => {
      const place = anyHost(scene);
      const end = oneOf(scene.random, ["kill", "close"] as const);
      return during(scene, atMs, LONGEST_MS, `${place} runs in two places`, (world) => {
        const original = world.hosts[place];
        if (original === undefined || world.peaceSinceMs !== undefined) return () => undefined;
        const clone = world.cloneOf(original);
        void clone.start();
        return () => {
          if (end === "kill") clone.kill();
          else void clone.close();
        };
      });
    }),
};
