import type { Identity } from "../../../src/crypto/identity.js";
import { randomHex, randomU32 } from "../../../src/crypto/random.js";
import {
  DatagramType,
  DEFAULT_DATA_PORT,
  GROUP_ID_BYTES,
  SEALED_HEADER_BYTES,
  SIGNATURE_BYTES,
} from "../../../src/wire/constants.js";
import { encodeUtf8, Reader } from "../../../src/wire/cursor.js";
import {
  encodeGroupData,
  encodeGroupHeartbeat,
  encodeGroupNack,
  encodeGroupSealHeader,
} from "../../../src/wire/group.js";
import { withSignature } from "../../../src/wire/header.js";
import {
  type Beacon,
  decodeBeacon,
  decodeQuery,
  encodeAnswer,
  encodeBeacon,
  encodeLeave,
  encodeQuery,
  type Instance,
} from "../../../src/wire/presence.js";
import {
  decodeHandshakeInit,
  decodeSealedHeader,
  encodeCookie,
  encodeHandshakeFinish,
  encodeHandshakeInit,
  encodeHandshakeResponse,
  encodeReset,
  encodeSealedHeader,
} from "../../../src/wire/session.js";
import type { SeededRandom } from "../../support/seededRandom.js";
import { EPOCH_MS } from "../../support/simMedium.js";
import type { Attacker, Heard } from "../attacker.js";
import { type Ingredient, oneOf, wholeBetween } from "../plan.js";
import { salvos } from "./attack.js";

const MOST_SALVOS = 6;
const MOST_IN_A_SALVO = 40;
const LONGEST_SALVO_MS = 3_000;
const MOST_BYTES = 1_100;
/** Numbers at which somebody may count wrongly. */
const BOUNDS: readonly number[] = [0, 1, 2, 0xffff, 0xffff_ffff, 2 ** 53 - 2, 2 ** 53 - 1];

/** What nobody has signed, or the attacker in another one's name. */
export const FORGED: Ingredient = salvos("forged", MOST_SALVOS, ({ random }) => {
  const kind = random.uniform() < 0.7 ? oneOf(random, [...FORGERIES.keys()]) : undefined;
  const source = oneOf(random, ["own", "named", "named", "host", "nowhere"] as const);
  return {
    count: wholeBetween(random, 1, MOST_IN_A_SALVO),
    spanMs: wholeBetween(random, 0, LONGEST_SALVO_MS),
    what: `a forged ${kind ?? "datagram"}, from ${source}`,
    shoot: (attacker) => {
      const forge = FORGERIES.get(kind ?? oneOf(attacker.chance, [...FORGERIES.keys()]));
      const victim = victimOf(attacker);
      const bytes = victim === undefined ? undefined : forge?.(attacker, victim);
      if (bytes === undefined || victim === undefined) return;
      attacker.send(bytes, attacker.anyDestination(), attacker.sourceOf(source, victim.heard.from));
    },
  };
});

/** Whom a forgery names. */
export interface Victim {
  readonly heard: Heard;
  readonly beacon: Beacon;
}

export function victimOf(attacker: Attacker): Victim | undefined {
  const heard = attacker.anyOf(DatagramType.beacon);
  return heard === undefined ? undefined : { heard, beacon: decodeBeacon(heard.bytes) };
}

type Forge = (attacker: Attacker, victim: Victim) => Uint8Array | undefined;

const FORGERIES: ReadonlyMap<string, Forge> = new Map<string, Forge>([
  ["beacon", (attacker, { beacon }) => unsure(attacker, encodeBeacon(changed(attacker, beacon)))],
  [
    "leave",
    (attacker, { beacon }) => {
      const { device, incarnation } = changed(attacker, beacon);
      return unsure(
        attacker,
        encodeLeave({ device, incarnation, sequence: anyNumber(attacker.chance) }),
      );
    },
  ],
  ["query", ({ chance }) => forgedQuery(chance)],
  [
    "answer",
    (attacker, { beacon }) => {
      const asked = attacker.anyOf(DatagramType.query);
      const answer = encodeAnswer({
        nonce: asked === undefined ? randomHex(attacker.chance, 8) : decodeQuery(asked.bytes).nonce,
        heldUs: 0,
        announces: true,
        beacon: changed(attacker, beacon),
      });
      return unsure(attacker, answer);
    },
  ],
  [
    "init",
    ({ chance }) =>
      encodeHandshakeInit({
        senderIndex: randomU32(chance),
        suite: oneOf(chance, [1, 1, 1, 0, 2, 255]),
        cookie: chance.bytes(oneOf(chance, [0, 0, 16, 255])),
        message: chance.bytes(oneOf(chance, [32, 32, 0, 96, 500])),
      }),
  ],
  ["response", (attacker) => forgedResponse(attacker)],
  [
    "finish",
    (attacker) =>
      encodeHandshakeFinish({
        receiverIndex: indexHeard(attacker),
        message: attacker.chance.bytes(wholeBetween(attacker.chance, 0, 200)),
      }),
  ],
  [
    "cookie",
    (attacker) =>
      encodeCookie({
        receiverIndex: senderIndexHeard(attacker),
        cookie: attacker.chance.bytes(oneOf(attacker.chance, [0, 16, 255])),
      }),
  ],
  ["sealed", (attacker) => forgedSealed(attacker)],
  [
    "reset",
    (attacker) => {
      // As the real one would name it: whoever sees a packet can say so.
      const seen = attacker.anyOf(DatagramType.sealed);
      const header = seen === undefined ? undefined : decodeSealedHeader(seen.bytes);
      return encodeReset(
        header ?? {
          receiverIndex: randomU32(attacker.chance),
          counter: anyNumber(attacker.chance),
        },
      );
    },
  ],
  ["group data", (attacker, victim) => forgedData(attacker, victim)],
  ["group heartbeat", (attacker, victim) => forgedHeartbeat(attacker, victim)],
  ["group nack", (attacker, victim) => forgedNack(attacker, victim)],
  [
    "group sealed",
    (attacker) => {
      const { chance } = attacker;
      const header = encodeGroupSealHeader({
        groupId: groupHeard(attacker) ?? randomHex(chance, GROUP_ID_BYTES),
        keyId: randomHex(chance, 8),
        nonce: chance.bytes(24),
      });
      return Buffer.concat([header, chance.bytes(wholeBetween(chance, 0, MOST_BYTES))]);
    },
  ],
]);

/** A signature of somebody else, or none at all. */
function unsure(attacker: Attacker, unsigned: Uint8Array): Uint8Array {
  const { chance, crypto } = attacker;
  if (chance.uniform() < 0.6) return signedBy(crypto.identity, unsigned);
  return withSignature(unsigned, chance.bytes(SIGNATURE_BYTES));
}

/** `signer` need not be who it names. */
export function signedBy(signer: Identity, unsigned: Uint8Array): Uint8Array {
  return withSignature(unsigned, signer.sign(unsigned));
}

export function anyNumber(chance: SeededRandom): number {
  return chance.uniform() < 0.5 ? oneOf(chance, BOUNDS) : wholeBetween(chance, 0, 1000);
}

function changed(attacker: Attacker, beacon: Beacon): Beacon {
  const { chance } = attacker;
  const isNewStart = chance.uniform() < 0.3;
  return {
    ...beacon,
    ...(isNewStart
      ? { incarnation: randomHex(chance, 8), startedAtMs: EPOCH_MS + anyNumber(chance) }
      : {}),
    sequence: beacon.sequence + wholeBetween(chance, 0, 5),
    dataPort: oneOf(chance, [beacon.dataPort, 1, 65_535]),
    intervalMs: oneOf(chance, [beacon.intervalMs, 0, 0xffff_ffff]),
    name: oneOf(chance, [beacon.name, "not me", ""]),
  };
}

export function forgedQuery(chance: SeededRandom): Uint8Array {
  return encodeQuery({
    nonce: randomHex(chance, 8),
    incarnation: randomHex(chance, 8),
    dataPort: oneOf(chance, [DEFAULT_DATA_PORT, 1, 65_535]),
    direct: chance.uniform() < 0.5,
    peersKnown: oneOf(chance, [0, 1, 65_535]),
    known: chance.bytes(oneOf(chance, [0, 0, 8, 512])),
  });
}

/** That a host gave itself in a handshake. */
function senderIndexHeard(attacker: Attacker): number {
  const init = attacker.anyOf(DatagramType.handshakeInit);
  return init === undefined
    ? randomU32(attacker.chance)
    : decodeHandshakeInit(init.bytes).senderIndex;
}

/** Of a session. */
function indexHeard(attacker: Attacker): number {
  const seen = attacker.anyOf(DatagramType.sealed);
  return seen === undefined
    ? randomU32(attacker.chance)
    : decodeSealedHeader(seen.bytes).receiverIndex;
}

function forgedResponse(attacker: Attacker): Uint8Array {
  const { chance, crypto } = attacker;
  const init = attacker.anyOf(DatagramType.handshakeInit);
  const asked = init === undefined ? undefined : decodeHandshakeInit(init.bytes);
  const senderIndex = randomU32(chance);
  if (asked !== undefined && asked.suite === crypto.suite.id && chance.uniform() < 0.5) {
    // With his own key, in another one's place.
    const { message2: message } = crypto.suite.respond(asked.message, chance.bytes(60), chance);
    return encodeHandshakeResponse({ senderIndex, receiverIndex: asked.senderIndex, message });
  }
  const message = chance.bytes(wholeBetween(chance, 0, 200));
  return encodeHandshakeResponse({
    senderIndex,
    receiverIndex: asked?.senderIndex ?? randomU32(chance),
    message,
  });
}

function forgedSealed(attacker: Attacker): Uint8Array {
  const { chance } = attacker;
  const seen = attacker.anyOf(DatagramType.sealed);
  const header = seen === undefined ? undefined : decodeSealedHeader(seen.bytes);
  const counter = (header?.counter ?? 0) + oneOf(chance, [0, 1, 5, 3000, 2 ** 40]);
  const receiverIndex = chance.uniform() < 0.7 ? indexHeard(attacker) : randomU32(chance);
  const rest =
    seen !== undefined && chance.uniform() < 0.5
      ? seen.bytes.subarray(SEALED_HEADER_BYTES)
      : chance.bytes(wholeBetween(chance, 16, 300));
  return Buffer.concat([encodeSealedHeader({ receiverIndex, counter }), rest]);
}

/** Of an open group or a secret one. */
function groupHeard(attacker: Attacker): string | undefined {
  const heard = attacker.anyOf(DatagramType.groupHeartbeat, DatagramType.groupSealed);
  return heard === undefined ? undefined : new Reader(heard.bytes, 4).hex(GROUP_ID_BYTES);
}

function forgedData(attacker: Attacker, { beacon }: Victim): Uint8Array | undefined {
  const groupId = groupHeard(attacker);
  if (groupId === undefined) return undefined;
  const { chance } = attacker;
  const body = encodeUtf8("nobody said this");
  const sentAtMs = EPOCH_MS + wholeBetween(chance, 0, 60_000);
  const unsigned = encodeGroupData({
    groupId,
    ...instanceOf(attacker, beacon),
    sequence: Math.max(1, anyNumber(chance)),
    name: beacon.name,
    entries: [
      {
        messageSequence: anyNumber(chance),
        sentAtMs,
        hlc: sentAtMs * 1024,
        continues: chance.uniform() < 0.2,
        continued: chance.uniform() < 0.2,
        body,
      },
    ],
  });
  return unsure(attacker, unsigned);
}

function forgedHeartbeat(attacker: Attacker, { beacon }: Victim): Uint8Array | undefined {
  const groupId = groupHeard(attacker);
  if (groupId === undefined) return undefined;
  const { chance } = attacker;
  const lead = anyNumber(chance) % 2 ** 52;
  const unsigned = encodeGroupHeartbeat({
    groupId,
    ...instanceOf(attacker, beacon),
    sequence: anyNumber(chance),
    startedAtMs: beacon.startedAtMs,
    hello: chance.uniform() < 0.5,
    leaving: chance.uniform() < 0.5,
    wantsCopies: chance.uniform() < 0.5,
    digest: randomHex(chance, 8),
    lead,
    trail: Math.min(lead + 1, anyNumber(chance)),
    intervalMs: beacon.intervalMs,
    dataPort: beacon.dataPort,
    name: beacon.name,
  });
  return unsure(attacker, unsigned);
}

function forgedNack(attacker: Attacker, { beacon }: Victim): Uint8Array | undefined {
  const groupId = groupHeard(attacker);
  const of = victimOf(attacker)?.beacon;
  if (groupId === undefined || of === undefined) return undefined;
  const unsigned = encodeGroupNack({
    groupId,
    ...instanceOf(attacker, beacon),
    sequence: anyNumber(attacker.chance),
    of: { device: of.device, incarnation: of.incarnation },
    missing: [{ first: 1, last: 1 + (anyNumber(attacker.chance) % 2 ** 52) }],
  });
  return unsure(attacker, unsigned);
}

function instanceOf({ chance }: Attacker, { device, incarnation }: Beacon): Instance {
  return { device, incarnation: chance.uniform() < 0.7 ? incarnation : randomHex(chance, 8) };
}
