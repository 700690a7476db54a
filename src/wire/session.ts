/** Handshake, sealed header and reset: the outside of unicast. PROTOCOL.md section 4. */
import {
  DatagramType,
  DEVICE_BYTES,
  INCARNATION_BYTES,
  MAX_DATAGRAM_BYTES,
  MAX_NAME_BYTES,
  MIN_COOKIE_DATAGRAM_BYTES,
  MIN_HANDSHAKE_INIT_BYTES,
  MIN_RESET_BYTES,
  SEALED_HEADER_BYTES,
} from "./constants.js";
import { malformed, Reader, Writer } from "./cursor.js";
import { readBody, writeHeader } from "./header.js";
import {
  type Instance,
  readInstance,
  readName,
  readPort,
  writeInstance,
  writeName,
} from "./presence.js";

export interface HandshakeInit {
  /** The initiator's index: the other side puts it on everything it sends here. */
  readonly senderIndex: number;
  /** Which handshake and seal are proposed. */
  readonly suite: number;
  /** What the responder sent in a cookie datagram, or empty. */
  readonly cookie: Uint8Array;
  readonly message: Uint8Array;
}

/** "I have much to do: say that again, with this." */
export interface Cookie {
  /** Of the initiator. */
  readonly receiverIndex: number;
  /** `COOKIE_BYTES`, or whatever a later version wants: at most 255. */
  readonly cookie: Uint8Array;
}

export interface HandshakeResponse {
  readonly senderIndex: number;
  readonly receiverIndex: number;
  readonly message: Uint8Array;
}

export interface HandshakeFinish {
  readonly receiverIndex: number;
  readonly message: Uint8Array;
}

export function encodeHandshakeInit(init: HandshakeInit): Uint8Array {
  const writer = writeHeader(new Writer(MAX_DATAGRAM_BYTES), DatagramType.handshakeInit)
    .u32(init.senderIndex)
    .u8(init.suite)
    .shortBytes(init.cookie)
    .u16(init.message.length)
    .bytes(init.message);
  return writer.zeros(Math.max(0, MIN_HANDSHAKE_INIT_BYTES - writer.lengthBytes)).finish();
}

export function decodeHandshakeInit(datagram: Uint8Array): HandshakeInit {
  if (datagram.length < MIN_HANDSHAKE_INIT_BYTES) throw malformed("handshake is not padded");
  const reader = readBody(datagram, DatagramType.handshakeInit);
  return {
    senderIndex: reader.u32(),
    suite: reader.u8(),
    cookie: reader.shortBytes(),
    message: reader.bytes(reader.u16()),
  };
}

export function encodeCookie(cookie: Cookie): Uint8Array {
  const writer = writeHeader(new Writer(MAX_DATAGRAM_BYTES), DatagramType.cookie)
    .u32(cookie.receiverIndex)
    .shortBytes(cookie.cookie);
  return writer.zeros(Math.max(0, MIN_COOKIE_DATAGRAM_BYTES - writer.lengthBytes)).finish();
}

export function decodeCookie(datagram: Uint8Array): Cookie {
  if (datagram.length < MIN_COOKIE_DATAGRAM_BYTES) throw malformed("cookie is not padded");
  const reader = readBody(datagram, DatagramType.cookie);
  return { receiverIndex: reader.u32(), cookie: reader.shortBytes() };
}

export function encodeHandshakeResponse(response: HandshakeResponse): Uint8Array {
  return writeHeader(new Writer(MAX_DATAGRAM_BYTES), DatagramType.handshakeResponse)
    .u32(response.senderIndex)
    .u32(response.receiverIndex)
    .bytes(response.message)
    .finish();
}

export function decodeHandshakeResponse(datagram: Uint8Array): HandshakeResponse {
  const reader = readBody(datagram, DatagramType.handshakeResponse);
  return { senderIndex: reader.u32(), receiverIndex: reader.u32(), message: reader.rest() };
}

export function encodeHandshakeFinish(finish: HandshakeFinish): Uint8Array {
  return writeHeader(new Writer(MAX_DATAGRAM_BYTES), DatagramType.handshakeFinish)
    .u32(finish.receiverIndex)
    .bytes(finish.message)
    .finish();
}

export function decodeHandshakeFinish(datagram: Uint8Array): HandshakeFinish {
  const reader = readBody(datagram, DatagramType.handshakeFinish);
  return { receiverIndex: reader.u32(), message: reader.rest() };
}

/** What each side says of itself inside the handshake. */
export interface HandshakeClaims extends Instance {
  readonly dataPort: number;
  /** Datagrams that the other side may have in flight towards us. */
  readonly creditDatagrams: number;
  /** Sends beacons: has a place in rosters. A one-shot process has none. */
  readonly announces: boolean;
  readonly name: string;
}

const CLAIM_ANNOUNCES = 0x01;

/** Longest encoded claims: instance, port, credit, flags, name and extension length. */
export const MAX_CLAIMS_BYTES =
  DEVICE_BYTES + INCARNATION_BYTES + 2 + 2 + 1 + 1 + MAX_NAME_BYTES + 1;

export function encodeClaims(claims: HandshakeClaims): Uint8Array {
  const writer = writeInstance(new Writer(MAX_CLAIMS_BYTES), claims)
    .u16(claims.dataPort)
    .u16(claims.creditDatagrams)
    .u8(claims.announces ? CLAIM_ANNOUNCES : 0);
  return writeName(writer, claims.name).u8(0).finish();
}

export function decodeClaims(bytes: Uint8Array): HandshakeClaims {
  const reader = new Reader(bytes);
  const claims: HandshakeClaims = {
    ...readInstance(reader),
    dataPort: readPort(reader),
    creditDatagrams: reader.u16(),
    announces: (reader.u8() & CLAIM_ANNOUNCES) !== 0,
    name: readName(reader),
  };
  reader.shortBytes(); // extensions of later minor revisions
  reader.end();
  return claims;
}

/** The clear part of a sealed datagram; it is also the associated data of the seal. */
export interface SealedHeader {
  /** Chosen by the receiver in the handshake. */
  readonly receiverIndex: number;
  /** The packet number: the nonce of the seal, never used twice. */
  readonly counter: number;
}

export function encodeSealedHeader(header: SealedHeader): Uint8Array {
  return writeHeader(new Writer(SEALED_HEADER_BYTES), DatagramType.sealed)
    .u32(header.receiverIndex)
    .u64(header.counter)
    .finish();
}

export function decodeSealedHeader(datagram: Uint8Array): SealedHeader {
  const reader = readBody(datagram, DatagramType.sealed);
  return { receiverIndex: reader.u32(), counter: reader.u64() };
}

/**
 * "I know no session by that index": the header of the datagram that could not be opened comes
 * back, so that only somebody on the path can make a reset that counts.
 */
export function encodeReset(unknown: SealedHeader): Uint8Array {
  const writer = writeHeader(new Writer(MIN_RESET_BYTES), DatagramType.reset)
    .u32(unknown.receiverIndex)
    .u64(unknown.counter);
  return writer.zeros(MIN_RESET_BYTES - writer.lengthBytes).finish();
}

export function decodeReset(datagram: Uint8Array): SealedHeader {
  if (datagram.length < MIN_RESET_BYTES) throw malformed("reset is not padded");
  const reader = readBody(datagram, DatagramType.reset);
  return { receiverIndex: reader.u32(), counter: reader.u64() };
}
