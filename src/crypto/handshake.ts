/**
 * The seam between the core and what protects unicast. The shape is that of Noise XX: three
 * messages, the responder proves itself in the second, the initiator in the third; what each
 * side says of itself (its claims) travels inside. A suite gives both sides a protector.
 *
 * A failed read throws `MALFORMED_DATAGRAM` and leaves the handshake as it was: a forged datagram
 * must not kill an honest attempt.
 */
import type { RandomSource } from "./random.js";

/** Seals and opens the payload of datagrams of one session, one direction each way. */
export interface PacketProtector {
  /** Bytes that sealing adds. */
  readonly overheadBytes: number;
  /** `header` followed by the sealed `payload`. A counter is never used twice. */
  seal(counter: number, header: Uint8Array, payload: Uint8Array): Uint8Array;
  /** The payload, or undefined if it was not sealed by the other side with this header. */
  open(counter: number, header: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}

/** What a completed handshake gives. */
export interface Established {
  readonly protector: PacketProtector;
  /** The encoded claims of the other side. */
  readonly remoteClaims: Uint8Array;
  /** True if the other side has the secret key of that device. */
  proves(device: string): boolean;
}

export interface InitiatorHandshake {
  readonly message1: Uint8Array;
  /** Reads the second message, makes the third. */
  finish(message2: Uint8Array): Established & { readonly message3: Uint8Array };
}

export interface ResponderHandshake {
  readonly message2: Uint8Array;
  /** Reads the third message. */
  accept(message3: Uint8Array): Established;
}

export interface HandshakeSuite {
  /** On the wire: which suite a handshake speaks. */
  readonly id: number;
  initiate(claims: Uint8Array, random: RandomSource): InitiatorHandshake;
  respond(message1: Uint8Array, claims: Uint8Array, random: RandomSource): ResponderHandshake;
}
