import { inLaterVersion, laterDatagrams } from "../../support/laterVersion.js";
import { oneOf, SeededRandom } from "../../support/seededRandom.js";
import { anyHost, type Ingredient, moments, wholeBetween } from "../plan.js";
import type { HuntWorld } from "../world.js";
import { salvos } from "./attack.js";

/** Some hosts extend version 1, each from some time on, as PROTOCOL 8 lets them. */
export const MIXED_VERSIONS: Ingredient = {
  name: "mixed versions",
  draw: (scene) =>
    moments(scene, 3).map((atMs, time) => {
      const place = anyHost(scene);
      return {
        atMs: time === 0 ? 0 : atMs,
        what: `${place} speaks a later version`,
        run: (world: HuntWorld) => {
          const host = world.hosts[place];
          host?.dialect.speakLater(world.chance(`later version of ${host.name}`));
        },
      };
    }),
};

/** Everything that version 1 does not know, once for all worlds. */
let unknown: readonly Uint8Array[] | undefined;

/** Somebody who speaks a later version alone. */
export const LATER_SPEAKER: Ingredient = salvos("later speaker", 5, ({ random }) => ({
  count: wholeBetween(random, 1, 60),
  spanMs: wholeBetween(random, 0, 20_000),
  what: "something of a later version",
  shoot: (attacker) => {
    const { chance } = attacker;
    unknown ??= [...laterDatagrams(new SeededRandom(1))];
    const heard = attacker.heard();
    const bytes =
      heard.length > 0 && chance.uniform() < 0.3
        ? inLaterVersion(oneOf(chance, heard).bytes)
        : oneOf(chance, unknown);
    attacker.send(bytes, attacker.anyDestination());
  },
}));
