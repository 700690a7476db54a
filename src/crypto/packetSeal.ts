import sodium from "sodium-native";
import { SEAL_TAG_BYTES } from "../wire/constants.js";
import type { PacketProtector } from "./handshake.js";

const NONCE_BYTES = 12;
const COUNTER_OFFSET = 4;
const HIGH_WORD = 2 ** 32;

/** One at a time: libsodium keeps none of it. */
const nonce = Buffer.alloc(NONCE_BYTES);

/**
 * ChaCha20-Poly1305 (RFC 8439) with one key each way. The nonce is four zero bytes and the packet
 * number as 64 bits, little-endian (Noise revision 34 section 12.3); the header of the datagram is
 * the associated data. `txKey` and `rxKey`: 32 bytes each.
 */
export function packetSeal(txKey: Buffer, rxKey: Buffer): PacketProtector {
  return {
    overheadBytes: SEAL_TAG_BYTES,
    seal(counter, header, payload) {
      const datagram = Buffer.allocUnsafe(header.length + payload.length + SEAL_TAG_BYTES);
      datagram.set(header);
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
        datagram.subarray(header.length),
        payload,
        header,
        null,
        nonceOf(counter),
        txKey,
      );
      return datagram;
    },
    open(counter, header, sealed) {
      if (sealed.length < SEAL_TAG_BYTES) return undefined;
      const payload = Buffer.allocUnsafe(sealed.length - SEAL_TAG_BYTES);
      try {
        sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
          payload,
          null,
          sealed,
          header,
          nonceOf(counter),
          rxKey,
        );
      } catch {
        return undefined;
      }
      return payload;
    },
  };
}

function nonceOf(counter: number): Buffer {
  nonce.writeUInt32LE(counter % HIGH_WORD, COUNTER_OFFSET);
  nonce.writeUInt32LE(Math.floor(counter / HIGH_WORD), COUNTER_OFFSET + 4);
  return nonce;
}
