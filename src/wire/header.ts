import {
  DatagramType,
  HEADER_BYTES,
  MAGIC,
  MAX_DATAGRAM_BYTES,
  MAX_PROBE_BYTES,
  PROTOCOL_VERSION,
  SIGNATURE_BYTES,
} from "./constants.js";
import { malformed, Reader, type Writer } from "./cursor.js";

/** True if the datagram claims to be ours; anything else goes to the plain-text reader. */
export function isOurs(datagram: Uint8Array): boolean {
  return datagram[0] === MAGIC;
}

/** The type of a version 1 datagram, or undefined: not ours, too short or long, another version. */
export function datagramType(datagram: Uint8Array): number | undefined {
  if (datagram.length < HEADER_BYTES) return undefined;
  if (datagram[0] !== MAGIC || datagram[1] !== PROTOCOL_VERSION) return undefined;
  const type = datagram[2];
  const maxBytes = type === DatagramType.probe ? MAX_PROBE_BYTES : MAX_DATAGRAM_BYTES;
  return datagram.length > maxBytes ? undefined : type;
}

/**
 * The version of a datagram that claims to be of a later one than ours, or undefined. Magic and
 * version are all that it has in common with ours.
 */
export function versionAfterOurs(datagram: Uint8Array): number | undefined {
  const version = datagram[1] ?? 0;
  return isOurs(datagram) && version > PROTOCOL_VERSION ? version : undefined;
}

export function writeHeader(writer: Writer, type: number): Writer {
  return writer.u8(MAGIC).u8(PROTOCOL_VERSION).u8(type).u8(0);
}

/** A reader placed behind the header, after checking that `datagram` is of `type`. */
export function readBody(datagram: Uint8Array, type: number): Reader {
  if (datagramType(datagram) !== type) throw malformed("unexpected type");
  return new Reader(datagram, HEADER_BYTES);
}

/** Like {@link readBody} for a datagram that ends in a signature, which the reader excludes. */
export function readSignedBody(datagram: Uint8Array, type: number): Reader {
  if (datagramType(datagram) !== type) throw malformed("unexpected type");
  return new Reader(signedPart(datagram), HEADER_BYTES);
}

/** What a signature covers: the whole datagram before it, header included. */
export function signedPart(datagram: Uint8Array): Uint8Array {
  if (datagram.length < HEADER_BYTES + SIGNATURE_BYTES) throw malformed("truncated");
  return datagram.subarray(0, datagram.length - SIGNATURE_BYTES);
}

/** The signature of a signed datagram. */
export function signatureOf(datagram: Uint8Array): Uint8Array {
  return datagram.subarray(datagram.length - SIGNATURE_BYTES);
}

/** `unsigned` with its signature behind it. */
export function withSignature(unsigned: Uint8Array, signature: Uint8Array): Uint8Array {
  const datagram = new Uint8Array(unsigned.length + SIGNATURE_BYTES);
  datagram.set(unsigned);
  datagram.set(signature, unsigned.length);
  return datagram;
}
