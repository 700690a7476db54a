import type { Transmit } from "../../../src/core/io.js";
import { anyHost, type Ingredient, moments, wholeBetween } from "../plan.js";
import type { Cut, HuntWorld } from "../world.js";

/** A switch or an access point drops group traffic from or to one host; unicast passes. */
export const MULTICAST_BLOCKED: Ingredient = blocked("multicast blocked", "multicast");

/** The same with beacons and queries. */
export const BROADCAST_BLOCKED: Ingredient = blocked("broadcast blocked", "lan");

function blocked(name: string, kind: Transmit["destination"]["kind"]): Ingredient {
  return {
    name,
    draw: (scene) =>
      moments(scene, 2).flatMap((atMs) => {
        const { random, activeMs } = scene;
        const place = anyHost(scene);
        const inbound = random.uniform() < 0.5;
        const endMs = Math.min(activeMs, atMs + wholeBetween(random, 1000, activeMs));
        const cuts: Cut[] = [];
        return [
          {
            atMs,
            what: `${kind} ${inbound ? "to" : "from"} ${place} is dropped`,
            run: (world: HuntWorld) => {
              const name = world.hosts[place]?.name;
              const cut: Cut = (from, to, transmit) =>
                transmit.destination.kind === kind && (inbound ? to : from).name === name;
              world.cuts.add(cut);
              cuts.push(cut);
            },
          },
          {
            atMs: endMs,
            what: `${kind} ${inbound ? "to" : "from"} ${place} passes`,
            run: (world: HuntWorld) => {
              for (const cut of cuts) world.cuts.delete(cut);
            },
          },
        ];
      }),
  };
}
