import type { HandshakeSuite, PacketProtector } from "../../src/crypto/handshake.js";
import type { Identity } from "../../src/crypto/identity.js";
import type { RandomSource } from "../../src/crypto/random.js";
import {
  DatagramType,
  DEVICE_BYTES,
  GROUP_ID_BYTES,
  HEADER_BYTES,
  INCARNATION_BYTES,
  MAGIC,
  MAX_AMPLIFICATION,
  MAX_DATAGRAM_BYTES,
  MAX_EXTENSION_BYTES,
  MIN_HANDSHAKE_INIT_BYTES,
  MIN_QUERY_BYTES,
  NONCE_BYTES,
  PROTOCOL_VERSION,
  SEALED_HEADER_BYTES,
} from "../../src/wire/constants.js";
import { Reader } from "../../src/wire/cursor.js";
import { datagramType, signedPart, withSignature } from "../../src/wire/header.js";

/**
 * A made-up later version, as PROTOCOL.md section 8 lets it be: what it adds to datagrams of
 * version 1, and what it says in a version of its own. Chance is the caller's, so that a seed
 * replays it.
 */

const INSTANCE_BYTES = DEVICE_BYTES + INCARNATION_BYTES;
/** Where the flags of a type are, behind those of the header. */
const FLAGS_AT: Readonly<Partial<Record<number, number>>> = {
  [DatagramType.query]: HEADER_BYTES + NONCE_BYTES + INCARNATION_BYTES + 2,
  [DatagramType.answer]: HEADER_BYTES + NONCE_BYTES + 4,
  [DatagramType.groupHeartbeat]: HEADER_BYTES + GROUP_ID_BYTES + INSTANCE_BYTES + 8 + 8,
};
/** The flags that version 1 knows there are the lowest three, at most. */
const UNKNOWN_FLAGS = 0xf8;
/** Of an entry of GROUP DATA: who does not know one ignores it, or passes the entry over. */
const ENTRY_IGNORED = 0x0c;
const ENTRY_PASSED_OVER = 0xf0;

/** An entry of a group whose body begins so is no line to version 1. */
export const NO_LINE = "\u0001";

const SIGNED: ReadonlySet<number | undefined> = new Set([
  DatagramType.beacon,
  DatagramType.leave,
  DatagramType.answer,
  DatagramType.groupData,
  DatagramType.groupHeartbeat,
  DatagramType.groupNack,
]);
/** They end in an ext, which version 1 leaves empty. */
const EXTENSIBLE: ReadonlySet<number | undefined> = new Set([
  DatagramType.beacon,
  DatagramType.answer,
  DatagramType.groupHeartbeat,
]);
/** They end in padding, which nobody reads. */
const PADDED: ReadonlySet<number | undefined> = new Set([
  DatagramType.query,
  DatagramType.handshakeInit,
  DatagramType.cookie,
  DatagramType.reset,
]);

/**
 * A datagram of version 1 as a later version would have written it: unknown flags, extensions,
 * something in the padding. `sign` makes the signature of its author over the changed bytes.
 *
 * GROUP DATA, handshakes and what is sealed come back as they are: they must be the same whenever
 * they are repeated, or cannot be changed from outside. See {@link laterIdentity} and
 * {@link laterSuite} for those.
 */
export function laterVersionOf(
  bytes: Uint8Array,
  sign: (unsigned: Uint8Array) => Uint8Array,
  random: RandomSource,
): Uint8Array {
  const type = datagramType(bytes);
  if (PADDED.has(type)) return withPadding(bytes, random);
  if (!SIGNED.has(type) || type === DatagramType.groupData) return bytes;
  const unsigned = Uint8Array.from(signedPart(bytes));
  setUnknownFlags(unsigned, random);
  const whole = EXTENSIBLE.has(type)
    ? withExtension(unsigned, extensionBytes(type, bytes), random)
    : unsigned;
  return withSignature(whole, sign(whole));
}

/** The identity of a node of a later version: what it signs has unknown flags. */
export function laterIdentity(identity: Identity, random: RandomSource): Identity {
  return {
    device: identity.device,
    sign(unsigned) {
      // In place: what is signed is what is sent and kept.
      setUnknownFlags(unsigned, random);
      return identity.sign(unsigned);
    },
  };
}

/** A suite whose claims have extensions, and whose packets have unknown flags and padding. */
export function laterSuite(suite: HandshakeSuite, random: RandomSource): HandshakeSuite {
  const protector = (inner: PacketProtector): PacketProtector => laterProtector(inner, random);
  const claimsOf = (claims: Uint8Array): Uint8Array =>
    withExtension(claims, MAX_EXTENSION_BYTES, random);
  return {
    id: suite.id,
    initiate(claims, chance) {
      const begun = suite.initiate(claimsOf(claims), chance);
      return {
        message1: begun.message1,
        finish(message2) {
          const finished = begun.finish(message2);
          return { ...finished, protector: protector(finished.protector) };
        },
      };
    },
    respond(message1, claims, chance) {
      const begun = suite.respond(message1, claimsOf(claims), chance);
      return {
        message2: begun.message2,
        accept(message3) {
          const accepted = begun.accept(message3);
          return { ...accepted, protector: protector(accepted.protector) };
        },
      };
    },
  };
}

function laterProtector(inner: PacketProtector, random: RandomSource): PacketProtector {
  return {
    overheadBytes: inner.overheadBytes,
    open: (counter, header, sealed) => inner.open(counter, header, sealed),
    seal(counter, header, payload) {
      const marked = Uint8Array.from(header);
      marked[3] = upTo(random, 255);
      const roomBytes =
        MAX_DATAGRAM_BYTES - SEALED_HEADER_BYTES - inner.overheadBytes - payload.length;
      // PADDING frames.
      const padded = new Uint8Array(payload.length + upTo(random, Math.min(roomBytes, 16)));
      padded.set(payload);
      return inner.seal(counter, marked, padded);
    },
  };
}

/** Flags that version 1 does not know, wherever a signed or unsigned datagram has flags. */
function setUnknownFlags(unsigned: Uint8Array, random: RandomSource): void {
  const type = datagramType(unsigned);
  if (type === undefined || unsigned.length <= HEADER_BYTES) return;
  unsigned[3] = upTo(random, 255);
  const at = FLAGS_AT[type];
  const flags = at === undefined ? undefined : unsigned[at];
  if (at !== undefined && flags !== undefined) {
    unsigned[at] = flags | (upTo(random, 255) & UNKNOWN_FLAGS);
  }
  if (type === DatagramType.groupData) setEntryFlags(unsigned, random);
}

function setEntryFlags(unsigned: Uint8Array, random: RandomSource): void {
  const reader = new Reader(unsigned, HEADER_BYTES + GROUP_ID_BYTES + INSTANCE_BYTES + 8);
  reader.shortBytes();
  while (reader.remainingBytes > 0) {
    const at = unsigned.length - reader.remainingBytes;
    const flags = reader.u8();
    for (let field = 0; field < 3; field += 1) reader.varint();
    const body = reader.bytes(reader.varint());
    const isNoLine = flags === 0 && body[0] === NO_LINE.charCodeAt(0);
    const bits = isNoLine ? 1 << (4 + upTo(random, 3)) : upTo(random, 255) & ENTRY_IGNORED;
    unsigned[at] = flags | bits;
  }
}

/** Flags of an entry that make version 1 pass it over. */
export const PASSED_OVER_FLAGS: readonly number[] = Array.from(
  { length: 256 },
  (_, flags) => flags,
).filter((flags) => (flags & ENTRY_PASSED_OVER) !== 0);

/** How much extension a datagram takes: no answer is more than three times as long as its query. */
function extensionBytes(type: number | undefined, bytes: Uint8Array): number {
  const limit =
    type === DatagramType.answer ? MAX_AMPLIFICATION * MIN_QUERY_BYTES : MAX_DATAGRAM_BYTES;
  return Math.max(0, Math.min(MAX_EXTENSION_BYTES, limit - bytes.length));
}

/** `unsigned` ends in an empty ext; it gets fields of up to `maxBytes`. */
function withExtension(unsigned: Uint8Array, maxBytes: number, random: RandomSource): Uint8Array {
  const content = laterFields(maxBytes, random);
  const start = unsigned.subarray(0, -1);
  return Uint8Array.from([...start, content.length, ...content]);
}

/** A run of fields as section 8.3 has it: tag, length, value. */
function laterFields(maxBytes: number, random: RandomSource): Uint8Array {
  const content: number[] = [];
  for (let tag = 1; content.length + 2 <= maxBytes && upTo(random, 9) > 0; tag += 1) {
    const valueBytes = upTo(random, maxBytes - content.length - 2);
    content.push(tag, valueBytes, ...random.bytes(valueBytes));
  }
  return Uint8Array.from(content);
}

/** Unknown flags, and something where version 1 writes zeros, and behind that. */
function withPadding(bytes: Uint8Array, random: RandomSource): Uint8Array {
  // Whoever brings the cookie back may not say much more than the cookie.
  const isInit = datagramType(bytes) === DatagramType.handshakeInit;
  const longer = new Uint8Array(bytes.length + (isInit ? 0 : upTo(random, 200)));
  longer.set(random.bytes(longer.length));
  longer.set(bytes);
  setUnknownFlags(longer, random);
  return longer;
}

/** Types that version 1 does not have. */
export const LATER_TYPES: readonly number[] = Array.from({ length: 256 }, (_, type) => type).filter(
  (type) => !Object.values<number>(DatagramType).includes(type),
);

/** Every version but ours, every type that we do not have, every suite that we do not know. */
export function* laterDatagrams(random: RandomSource): Generator<Uint8Array, void, undefined> {
  const body = (): Uint8Array => random.bytes(upTo(random, MAX_DATAGRAM_BYTES - HEADER_BYTES));
  const flags = (): number => upTo(random, 255);
  for (let version = 0; version < 256; version += 1) {
    if (version === PROTOCOL_VERSION) continue;
    yield Uint8Array.from([MAGIC, version, upTo(random, 255), flags(), ...body()]);
    yield Uint8Array.from([MAGIC, version]);
  }
  for (const type of Object.values(DatagramType)) {
    yield Uint8Array.from([MAGIC, PROTOCOL_VERSION + 1, type, flags(), ...body()]);
  }
  for (const type of LATER_TYPES) {
    yield Uint8Array.from([MAGIC, PROTOCOL_VERSION, type, flags(), ...body()]);
  }
  for (let suite = 2; suite < 256; suite += 1) {
    const init = [MAGIC, PROTOCOL_VERSION, DatagramType.handshakeInit, flags()];
    const rest = random.bytes(MIN_HANDSHAKE_INIT_BYTES);
    yield Uint8Array.from([...init, ...random.bytes(4), suite, 0, 0, 32, ...rest]);
  }
  // Longer than any datagram of version 1.
  yield Uint8Array.from([
    MAGIC,
    PROTOCOL_VERSION,
    DatagramType.beacon,
    0,
    ...random.bytes(MAX_DATAGRAM_BYTES),
  ]);
}

/** The same in a version that version 1 cannot read: a node that has given ours up. */
export function inLaterVersion(bytes: Uint8Array): Uint8Array {
  const later = Uint8Array.from(bytes);
  later[1] = PROTOCOL_VERSION + 1;
  return later;
}

/** 0 to `most`, both included. */
function upTo(random: RandomSource, most: number): number {
  return Math.floor(random.uniform() * (most + 1));
}
