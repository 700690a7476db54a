import { DatagramType } from "../../../src/wire/constants.js";
import { datagramType } from "../../../src/wire/header.js";
import type { Attacker, Heard, Source } from "../attacker.js";
import { attackerOf, SOURCES } from "../attacker.js";
import { type Ingredient, moments, oneOf, wholeBetween } from "../plan.js";
import { type Drawn, during, salvos } from "./attack.js";

const MOST_SALVOS = 5;
const MOST_IN_A_SALVO = 60;
const LONGEST_SALVO_MS = 3_000;
const LONGEST_ECHO_MS = 20_000;
const TYPES: readonly number[] = Object.values(DatagramType);
/** A copy of one of these that comes first takes a session along: PROTOCOL 9. */
const MOVING: ReadonlySet<number | undefined> = new Set<number>([
  DatagramType.sealed,
  DatagramType.handshakeInit,
  DatagramType.handshakeResponse,
  DatagramType.handshakeFinish,
]);

/** What was heard is sent again: later, to somebody else, from elsewhere. */
export const REPLAYED: Ingredient = salvos("replayed", MOST_SALVOS, ({ random }) => {
  const type = random.uniform() < 0.6 ? oneOf(random, TYPES) : undefined;
  const source = oneOf(random, SOURCES);
  const isAnywhere = random.uniform() < 0.5;
  // Of long ago: before restarts and changes of address.
  const isOld = random.uniform() < 0.4;
  return {
    count: wholeBetween(random, 1, MOST_IN_A_SALVO),
    spanMs: wholeBetween(random, 0, LONGEST_SALVO_MS),
    what: `${isOld ? "old " : ""}${type === undefined ? "anything" : `type ${type}`} again, from ${source}${isAnywhere ? ", to anybody" : ""}`,
    shoot: (attacker) => {
      const heard = attacker.heard(
        ({ bytes }) => type === undefined || datagramType(bytes) === type,
      );
      const choice = isOld ? heard.slice(0, Math.ceil(heard.length / 4)) : heard;
      if (choice.length > 0) again(attacker, oneOf(attacker.chance, choice), source, isAnywhere);
    },
  };
});

/** Everything, or a share of it, comes twice for a while: by another way, and later. */
export const ECHOED: Ingredient = {
  name: "echoed",
  draw: (scene) =>
    moments(scene, 2).map((atMs): Drawn => {
      const { random } = scene;
      const source = oneOf(random, SOURCES);
      const share = oneOf(random, [0.05, 0.2, 0.5]);
      // Never before what it repeats, as long as nothing is held back.
      const delayMs = wholeBetween(random, 1, oneOf(random, [3, 100, 5000]));
      return during(
        scene,
        atMs,
        LONGEST_ECHO_MS,
        `repeats ${share * 100} % after ${delayMs} ms, from ${source}`,
        (world) => {
          const attacker = attackerOf(world);
          const tap = (
            from: { name: string; address: Heard["from"] },
            { bytes, destination }: Pick<Heard, "bytes" | "destination">,
          ) => {
            if (attacker.chance.uniform() >= share) return;
            const heard = { bytes, sender: from.name, from: { ...from.address }, destination };
            world.at(world.nowMs + delayMs, () => again(attacker, heard, source, false));
          };
          world.taps.add(tap);
          return () => world.taps.delete(tap);
        },
      );
    }),
};

/** True for what may take a session to where it comes from. */
export function isMoving(bytes: Uint8Array): boolean {
  return MOVING.has(datagramType(bytes));
}

function again(attacker: Attacker, heard: Heard, source: Source, isAnywhere: boolean): void {
  const claimed = isMoving(heard.bytes) && source === "nowhere" ? "diverted" : source;
  attacker.send(
    heard.bytes,
    isAnywhere ? attacker.anyDestination() : heard.destination,
    attacker.sourceOf(claimed, heard.from),
  );
}
