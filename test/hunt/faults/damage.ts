import { HEADER_BYTES, MAX_DATAGRAM_BYTES } from "../../../src/wire/constants.js";
import type { SeededRandom } from "../../support/seededRandom.js";
import { type Attacker, attackerOf } from "../attacker.js";
import { type Ingredient, moments, oneOf, wholeBetween } from "../plan.js";
import type { Tampering } from "../world.js";
import { type Drawn, during, salvos } from "./attack.js";
import { isMoving } from "./replay.js";

const MOST_SALVOS = 4;
const MOST_IN_A_SALVO = 60;
const LONGEST_SALVO_MS = 2_000;
const LONGEST_TAMPERING_MS = 20_000;

/** Copies of what was heard that are not quite the same, from wherever. */
export const DAMAGED: Ingredient = salvos("damaged", MOST_SALVOS, ({ random }) => {
  const source = oneOf(random, ["own", "named", "host", "nowhere"] as const);
  const isAnywhere = random.uniform() < 0.5;
  return {
    count: wholeBetween(random, 1, MOST_IN_A_SALVO),
    spanMs: wholeBetween(random, 0, LONGEST_SALVO_MS),
    what: `something damaged, from ${source}`,
    shoot: (attacker) => {
      const heard = attacker.heard();
      if (heard.length === 0) return;
      const { bytes, destination, from } = oneOf(attacker.chance, heard);
      attacker.send(
        damaged(attacker, bytes, attacker.chance),
        isAnywhere ? attacker.anyDestination() : destination,
        // What is changed without effect may take a session along.
        attacker.sourceOf(source === "nowhere" && isMoving(bytes) ? "diverted" : source, from),
      );
    },
  };
});

/** Something between the hosts changes what passes: a switch, or who sits in the middle. */
export const TAMPERED: Ingredient = {
  name: "tampered",
  draw: (scene) =>
    moments(scene, 2).map((atMs): Drawn => {
      const share = oneOf(scene.random, [0.005, 0.02, 0.1, 0.3]);
      return during(scene, atMs, LONGEST_TAMPERING_MS, `changes ${share * 100} %`, (world) => {
        const attacker = attackerOf(world);
        const tamper: Tampering = (from, to, transmit) => {
          const chance = world.chance(`tampering from ${from.name} to ${to.name}`);
          if (chance.uniform() >= share) return transmit;
          world.count("datagrams tampered with");
          return { ...transmit, bytes: damaged(attacker, transmit.bytes, chance) };
        };
        world.tampering.add(tamper);
        return () => world.tampering.delete(tamper);
      });
    }),
};

/** What is left of a datagram, which is not changed itself. */
function damaged(attacker: Attacker, bytes: Uint8Array, chance: SeededRandom): Uint8Array {
  switch (wholeBetween(chance, 0, 5)) {
    case 0:
      return bytes.slice(0, wholeBetween(chance, 0, bytes.length));
    case 1:
      return Buffer.concat([bytes, chance.bytes(wholeBetween(chance, 1, 64))]);
    case 2: {
      // The beginning of one, and the end of another.
      const others = attacker.heard();
      const other = others.length === 0 ? bytes : oneOf(chance, others).bytes;
      const at = wholeBetween(chance, 0, bytes.length);
      return Buffer.concat([bytes.subarray(0, at), other.subarray(at)]).subarray(
        0,
        MAX_DATAGRAM_BYTES,
      );
    }
    case 3:
      return withBytes(bytes, chance, wholeBetween(chance, 1, 3), HEADER_BYTES);
    case 4:
      return withBytes(bytes, chance, wholeBetween(chance, 1, 16), bytes.length);
    default: {
      const flipped = Uint8Array.from(bytes);
      const at = wholeBetween(chance, 0, bytes.length - 1);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << wholeBetween(chance, 0, 7));
      return flipped;
    }
  }
}

/** `count` bytes of the first `within` are others. */
function withBytes(
  bytes: Uint8Array,
  chance: SeededRandom,
  count: number,
  within: number,
): Uint8Array {
  const changed = Uint8Array.from(bytes);
  for (let change = 0; change < count; change += 1) {
    const value = oneOf(chance, [0, 1, 0x7f, 0x80, 0xff, wholeBetween(chance, 0, 255)]);
    changed[wholeBetween(chance, 0, Math.max(0, within - 1))] = value;
  }
  return changed.subarray(0, bytes.length);
}
