/** Beacon, leave, query and answer: how nodes find one another. PROTOCOL.md section 3. */
import {
  DatagramType,
  DEVICE_BYTES,
  GROUP_DIGEST_BYTES,
  GROUP_ID_BYTES,
  INCARNATION_BYTES,
  MAX_BEACON_GROUPS,
  MAX_BLOOM_BYTES,
  MAX_DATAGRAM_BYTES,
  MAX_NAME_BYTES,
  MIN_QUERY_BYTES,
  NONCE_BYTES,
} from "./constants.js";
import { decodeUtf8, encodeUtf8, malformed, type Reader, Writer } from "./cursor.js";
import { readBody, readSignedBody, writeHeader } from "./header.js";

/** Who a datagram claims to come from: both fields in lower-case hexadecimal. */
export interface Instance {
  /** Ed25519 public key, 64 hexadecimal digits. */
  readonly device: string;
  /** Random per start, 16 hexadecimal digits. */
  readonly incarnation: string;
}

/** A group as its members mention it in beacons. */
export interface BeaconGroup {
  /** 16 hexadecimal digits. */
  readonly groupId: string;
  /** Of all datagrams of the group that the sender holds, 16 hexadecimal digits: see `Archive`. */
  readonly digest: string;
}

export interface Beacon extends Instance {
  /** Grows by one per distinct beacon of an incarnation; receivers drop older ones. */
  readonly sequence: number;
  /** Wall clock at the start of this incarnation, milliseconds since 1970: orders incarnations. */
  readonly startedAtMs: number;
  /** The sender will be heard again within this time; 3.5 of them of silence make a suspect. */
  readonly intervalMs: number;
  readonly dataPort: number;
  /** Groups that the sender is in, as many as fit, and what it holds of them. */
  readonly groups: readonly BeaconGroup[];
  /** At most 32 bytes of UTF-8. */
  readonly name: string;
}

/** Without its signature: see `withSignature`. */
export function encodeBeacon(beacon: Beacon): Uint8Array {
  const writer = writeHeader(new Writer(MAX_DATAGRAM_BYTES), DatagramType.beacon);
  return writeBeacon(writer, beacon).finish();
}

/** Shape only; the caller verifies the signature. */
export function decodeBeacon(datagram: Uint8Array): Beacon {
  return readBeacon(readSignedBody(datagram, DatagramType.beacon));
}

function writeBeacon(writer: Writer, beacon: Beacon): Writer {
  writeInstance(writer, beacon)
    .u64(beacon.sequence)
    .u64(beacon.startedAtMs)
    .u32(beacon.intervalMs)
    .u16(beacon.dataPort)
    .u8(beacon.groups.length);
  for (const { groupId, digest } of beacon.groups) writer.hex(groupId).hex(digest);
  return writeName(writer, beacon.name).u8(0);
}

function readBeacon(reader: Reader): Beacon {
  const beacon: Beacon = {
    device: reader.hex(DEVICE_BYTES),
    incarnation: reader.hex(INCARNATION_BYTES),
    sequence: reader.u64(),
    startedAtMs: reader.u64(),
    intervalMs: reader.u32(),
    dataPort: readPort(reader),
    groups: readGroups(reader),
    name: readName(reader),
  };
  reader.shortBytes(); // extensions of later minor revisions
  reader.end();
  return beacon;
}

function readGroups(reader: Reader): BeaconGroup[] {
  const count = reader.u8();
  if (count > MAX_BEACON_GROUPS) throw malformed("too many groups");
  return Array.from({ length: count }, () => ({
    groupId: reader.hex(GROUP_ID_BYTES),
    digest: reader.hex(GROUP_DIGEST_BYTES),
  }));
}

/** "I am going": the sender of this incarnation is offline from now on. */
export interface Leave extends Instance {
  /** Above every beacon of this incarnation. */
  readonly sequence: number;
}

/** Without its signature. */
export function encodeLeave(leave: Leave): Uint8Array {
  const writer = writeHeader(new Writer(MAX_DATAGRAM_BYTES), DatagramType.leave);
  return writeInstance(writer, leave).u64(leave.sequence).finish();
}

export function decodeLeave(datagram: Uint8Array): Leave {
  const reader = readSignedBody(datagram, DatagramType.leave);
  const leave = { ...readInstance(reader), sequence: reader.u64() };
  reader.end();
  return leave;
}

export interface Query {
  /** Random; answers carry it back. Also the salt of the Bloom filter. 16 hexadecimal digits. */
  readonly nonce: string;
  /** The asking incarnation, so that it can drop its own query. 16 hexadecimal digits. */
  readonly incarnation: string;
  /** Where the answer goes, at the source address of the query. */
  readonly dataPort: number;
  /** Answer at once and not after a random delay: the query went to one host alone. */
  readonly direct: boolean;
  /** How many peers the asker knows: scales the random delay. */
  readonly peersKnown: number;
  /** Bloom filter of the devices that need not answer; empty: everybody answers. */
  readonly known: Uint8Array;
}

const QUERY_DIRECT = 0x01;

export function encodeQuery(query: Query): Uint8Array {
  const writer = writeHeader(new Writer(MAX_DATAGRAM_BYTES), DatagramType.query)
    .hex(query.nonce)
    .hex(query.incarnation)
    .u16(query.dataPort)
    .u8(query.direct ? QUERY_DIRECT : 0)
    .u16(Math.min(query.peersKnown, 0xffff))
    .u16(query.known.length)
    .bytes(query.known);
  return writer.zeros(Math.max(0, MIN_QUERY_BYTES - writer.lengthBytes)).finish();
}

export function decodeQuery(datagram: Uint8Array): Query {
  if (datagram.length < MIN_QUERY_BYTES) throw malformed("query is not padded");
  const reader = readBody(datagram, DatagramType.query);
  const nonce = reader.hex(NONCE_BYTES);
  const incarnation = reader.hex(INCARNATION_BYTES);
  const dataPort = readPort(reader);
  const flags = reader.u8();
  const peersKnown = reader.u16();
  const bloomBytes = reader.u16();
  if (bloomBytes > MAX_BLOOM_BYTES) throw malformed("Bloom filter too large");
  const known = reader.bytes(bloomBytes);
  return { nonce, incarnation, dataPort, direct: (flags & QUERY_DIRECT) !== 0, peersKnown, known };
}

/** Signed like a beacon, and fresh: the nonce was drawn by the asker. */
export interface Answer {
  /** Of the query. */
  readonly nonce: string;
  /** How long the answer was held back on purpose, microseconds: subtract it from the round trip. */
  readonly heldUs: number;
  /** Sends beacons: has a place in rosters. A one-shot process answers direct queries alone. */
  readonly announces: boolean;
  /** What the answerer's latest beacon says. */
  readonly beacon: Beacon;
}

const ANSWER_ANNOUNCES = 0x01;

/** Without its signature. */
export function encodeAnswer(answer: Answer): Uint8Array {
  const writer = writeHeader(new Writer(MAX_DATAGRAM_BYTES), DatagramType.answer)
    .hex(answer.nonce)
    .u32(answer.heldUs)
    .u8(answer.announces ? ANSWER_ANNOUNCES : 0);
  return writeBeacon(writer, answer.beacon).finish();
}

/** Shape only; the caller verifies the signature. */
export function decodeAnswer(datagram: Uint8Array): Answer {
  const reader = readSignedBody(datagram, DatagramType.answer);
  return {
    nonce: reader.hex(NONCE_BYTES),
    heldUs: reader.u32(),
    announces: (reader.u8() & ANSWER_ANNOUNCES) !== 0,
    beacon: readBeacon(reader),
  };
}

export function writeInstance(writer: Writer, instance: Instance): Writer {
  return writer.hex(instance.device).hex(instance.incarnation);
}

export function readInstance(reader: Reader): Instance {
  return { device: reader.hex(DEVICE_BYTES), incarnation: reader.hex(INCARNATION_BYTES) };
}

export function writeName(writer: Writer, name: string): Writer {
  return writer.shortBytes(encodeUtf8(name));
}

export function readName(reader: Reader): string {
  const bytes = reader.shortBytes();
  if (bytes.length > MAX_NAME_BYTES) throw malformed("name too long");
  return decodeUtf8(bytes);
}

export function readPort(reader: Reader): number {
  const port = reader.u16();
  if (port === 0) throw malformed("port 0");
  return port;
}
