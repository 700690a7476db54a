import { anyHost, type Ingredient, moments, type Scene, twoHosts, wholeBetween } from "../plan.js";
import type { HuntWorld } from "../world.js";

const MOST_CHANGES = 4;
const LONGEST_DOWN_MS = 12_000;
/** The watch of the interfaces looks every few seconds; until then nobody knows. */
const LONGEST_UNNOTICED_MS = 4_000;

/** A cable that is pulled, a Wi-Fi that is out of reach for a while. */
export const FLAP: Ingredient = {
  name: "interface flap",
  draw: (scene) =>
    moments(scene, MOST_CHANGES).flatMap((atMs) => {
      const place = anyHost(scene);
      const backMs = atMs + wholeBetween(scene.random, 20, LONGEST_DOWN_MS);
      return [
        {
          atMs,
          what: `${place} loses its link`,
          run: (world: HuntWorld) => {
            const card = world.hosts[place]?.card;
            if (card !== undefined) card.address = undefined;
          },
        },
        ...noticed(scene, atMs, place),
        {
          atMs: Math.min(scene.activeMs, backMs),
          what: `${place} has its link again`,
          run: (world: HuntWorld) => world.hosts[place]?.machine.restoreLink(),
        },
        ...noticed(scene, backMs, place),
      ];
    }),
};

/** Another lease, another access point: in the middle of sessions, and unannounced. */
export const MOVE: Ingredient = {
  name: "address change",
  draw: (scene) =>
    moments(scene, MOST_CHANGES).flatMap((atMs) => {
      const place = anyHost(scene);
      const address = `10.77.${wholeBetween(scene.random, 1, 200)}.${place + 1}`;
      return [
        {
          atMs,
          what: `${place} moves to ${address}`,
          run: (world: HuntWorld) => {
            const card = world.hosts[place]?.card;
            if (card?.address !== undefined) card.address = address;
          },
        },
        ...noticed(scene, atMs, place),
      ];
    }),
};

/** Two hosts get each other's address: who wrote to the one now reaches the other. */
export const SWAP: Ingredient = {
  name: "address swap",
  draw: (scene) =>
    moments(scene, 2).flatMap((atMs) => {
      const [one, other] = twoHosts(scene);
      return [
        {
          atMs,
          what: `${one} and ${other} swap addresses`,
          run: (world: HuntWorld) => {
            const [first, second] = [world.hosts[one]?.card, world.hosts[other]?.card];
            if (first === undefined || second === undefined) return;
            [first.address, second.address] = [second.address, first.address];
          },
        },
        ...noticed(scene, atMs, one),
        ...noticed(scene, atMs, other),
      ];
    }),
};

function noticed({ random, activeMs }: Scene, atMs: number, place: number) {
  const lookedMs = Math.min(activeMs, atMs + wholeBetween(random, 0, LONGEST_UNNOTICED_MS));
  return [
    {
      atMs: lookedMs,
      what: `${place} looks at its interfaces`,
      run: (world: HuntWorld) => world.hosts[place]?.interfacesChanged(),
    },
  ];
}
