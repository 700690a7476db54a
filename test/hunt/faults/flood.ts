import { randomHex, randomU32 } from "../../../src/crypto/random.js";
import { COOKIE_BYTES, SIGNATURE_BYTES } from "../../../src/wire/constants.js";
import { encodeUtf8 } from "../../../src/wire/cursor.js";
import { withSignature } from "../../../src/wire/header.js";
import { encodeBeacon } from "../../../src/wire/presence.js";
import { encodeHandshakeInit, encodeReset, encodeSealedHeader } from "../../../src/wire/session.js";
import type { SeededRandom } from "../../support/seededRandom.js";
import type { Attacker } from "../attacker.js";
import { type Ingredient, moments, oneOf, wholeBetween } from "../plan.js";
import { type Drawn, salvoAt, salvos } from "./attack.js";
import { forgedQuery, victimOf } from "./forge.js";
import { beaconOf, strangerBeacon } from "./liarWords.js";

const MOST_SALVOS = 3;
const LONGEST_SPAN_MS = 1_000;
const MOST_AT_ONCE = 250;
const MOST_PLAIN = 20;

type Flood = (attacker: Attacker) => Uint8Array;

const FLOODS: ReadonlyMap<string, Flood> = new Map<string, Flood>([
  ["noise", ({ chance }) => chance.bytes(wholeBetween(chance, 0, 100))],
  // Genuine, each of a key of its own: all are worth a question.
  ["beacons of strangers", (attacker) => strangerBeacon(attacker)],
  ["queries", ({ chance }) => forgedQuery(chance)],
  ["handshakes", ({ chance }) => forgedInit(chance, 0)],
  [
    "packets of no session",
    ({ chance }) => {
      const header = { receiverIndex: randomU32(chance), counter: wholeBetween(chance, 0, 1000) };
      return Buffer.concat([encodeSealedHeader(header), chance.bytes(64)]);
    },
  ],
  // As whoever hopes that any of the right length is taken, and not looked at.
  ["handshakes with a made-up cookie", ({ chance }) => forgedInit(chance, COOKIE_BYTES)],
  ["forged beacons", forgedBeacon],
  ["resets", ({ chance }) => encodeReset({ receiverIndex: randomU32(chance), counter: 0 })],
  ["plain texts", ({ chance }) => encodeUtf8(`flood ${randomHex(chance, 4)}`)],
]);

function forgedInit(chance: SeededRandom, cookieBytes: number): Uint8Array {
  const message = chance.bytes(32);
  const cookie = chance.bytes(cookieBytes);
  return encodeHandshakeInit({ senderIndex: randomU32(chance), suite: 1, cookie, message });
}

/** In the name of a host, and nobody signed it. */
function forgedBeacon(attacker: Attacker): Uint8Array {
  const { chance } = attacker;
  const beacon = victimOf(attacker)?.beacon ?? beaconOf(attacker.crypto.identity, attacker);
  const later = { ...beacon, sequence: beacon.sequence + wholeBetween(chance, 1, 1_000) };
  return withSignature(encodeBeacon(later), chance.bytes(SIGNATURE_BYTES));
}

/** As much as the simulation can afford, for a second. */
export const FLOOD: Ingredient = {
  name: "flood",
  draw: (scene) =>
    moments(scene, 2).map((atMs): Drawn => {
      const { random } = scene;
      const kind = oneOf(random, [...FLOODS.keys()]);
      const source = oneOf(random, ["own", "host", "nowhere"] as const);
      const isForOne = random.uniform() < 0.6;
      return salvoAt(atMs, {
        count: wholeBetween(random, 20, MOST_AT_ONCE),
        spanMs: wholeBetween(random, 0, LONGEST_SPAN_MS),
        what: `${kind}, from ${source}${isForOne ? ", to one" : ""}`,
        shoot: (attacker, world) => {
          const bytes = FLOODS.get(kind)?.(attacker);
          const [host] = world.hosts;
          const address = host?.card.address;
          if (bytes === undefined || host === undefined || address === undefined) return;
          const to = { address, port: host.plan.dataPort };
          attacker.send(
            bytes,
            isForOne ? { kind: "unicast", to } : attacker.anyDestination(),
            attacker.sourceOf(source),
          );
        },
      });
    }),
};

const PLAIN: readonly Uint8Array[] = [
  encodeUtf8("hello from nc\n"),
  encodeUtf8(""),
  encodeUtf8("\u001B[2J\u202Etxet\u0000"),
  encodeUtf8(`long ${"x".repeat(1_300)}`),
  Uint8Array.from([0xff, 0xfe, 0x00]),
  Uint8Array.from([0xc3]),
  Uint8Array.from([0xf9]),
  Uint8Array.from([0xf9, 1]),
  Uint8Array.from([0xf9, 1, 1]),
];

/** Text of programs that know nothing of us, and what is none. */
export const PLAIN_TEXT: Ingredient = salvos("plain text", MOST_SALVOS, ({ random }) => {
  const source = oneOf(random, ["own", "host", "nowhere"] as const);
  return {
    count: wholeBetween(random, 1, MOST_PLAIN),
    spanMs: wholeBetween(random, 0, LONGEST_SPAN_MS),
    what: `plain text, from ${source}`,
    shoot: (attacker) =>
      attacker.send(
        oneOf(attacker.chance, PLAIN),
        attacker.anyDestination(),
        attacker.sourceOf(source),
      ),
  };
});
