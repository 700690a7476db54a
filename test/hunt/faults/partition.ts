import { anyHost, type Ingredient, moments, wholeBetween } from "../plan.js";
import type { Cut, HuntWorld } from "../world.js";

const MOST_CUTS = 3;
const LONGEST_MS = 20_000;

/** Some hosts and the others hear nothing of one another, or only one side of the other. */
export const PARTITION: Ingredient = {
  name: "partition",
  draw(scene) {
    const { random, hosts, activeMs } = scene;
    return moments(scene, MOST_CUTS).flatMap((atMs) => {
      const apart = new Set(
        Array.from({ length: wholeBetween(random, 1, hosts - 1) }, () => anyHost(scene)),
      );
      const isOneWay = random.uniform() < 0.4;
      const cut = cutOff(apart, isOneWay);
      const endMs = Math.min(activeMs, atMs + wholeBetween(random, 100, LONGEST_MS));
      const who = [...apart].join(" and ");
      return [
        {
          atMs,
          what: `${who} ${isOneWay ? "are not heard" : "are cut off"}`,
          run: (world: HuntWorld) => {
            world.cuts.add((from, to, transmit) => cut(world)(from, to, transmit));
          },
        },
        {
          atMs: endMs,
          what: `${who} are back`,
          run: (world: HuntWorld) => world.cuts.clear(),
        },
      ];
    });
  },
};

function cutOff(apart: ReadonlySet<number>, isOneWay: boolean): (world: HuntWorld) => Cut {
  return (world) => {
    const names = new Set([...apart].map((place) => world.hosts[place]?.name));
    return (from, to) => {
      const [fromApart, toApart] = [names.has(from.name), names.has(to.name)];
      return isOneWay ? fromApart && !toApart : fromApart !== toApart;
    };
  };
}
