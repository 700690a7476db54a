import { type Attacker, attackerOf } from "../attacker.js";
import type { Step } from "../plan.js";
import { type Ingredient, moments, type Scene, wholeBetween } from "../plan.js";
import type { HuntWorld } from "../world.js";

export type Drawn = Omit<Step, "kind">;

/** One salvo of an attack: so many datagrams, spread over some time. */
export interface Salvo {
  readonly count: number;
  readonly spanMs: number;
  /** For people. */
  readonly what: string;
  readonly shoot: (attacker: Attacker, world: HuntWorld) => void;
}

/** An attack that comes in salvos. */
export function salvos(name: string, most: number, salvo: (scene: Scene) => Salvo): Ingredient {
  return {
    name,
    draw: (scene) => moments(scene, most).map((atMs) => salvoAt(atMs, salvo(scene))),
  };
}

export function salvoAt(atMs: number, { count, spanMs, what, shoot }: Salvo): Drawn {
  return {
    atMs,
    what: `mallory: ${count} times ${what} in ${spanMs} ms`,
    run: (world) => {
      const attacker = attackerOf(world);
      for (let shot = 0; shot < count; shot += 1) {
        world.at(world.nowMs + (spanMs * shot) / count, () => {
          if (world.peaceSinceMs === undefined) shoot(attacker, world);
        });
      }
    },
  };
}

/** Something that goes on for a while; `begin` returns what ends it. */
export function during(
  { random, activeMs }: Scene,
  atMs: number,
  longestMs: number,
  what: string,
  begin: (world: HuntWorld) => () => void,
): Drawn {
  const spanMs = wholeBetween(random, 50, Math.min(longestMs, activeMs - atMs + 50));
  return {
    atMs,
    what: `mallory: ${what}, for ${spanMs} ms`,
    run: (world) => {
      const end = begin(world);
      world.at(world.nowMs + spanMs, end);
    },
  };
}
