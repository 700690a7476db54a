/** The seal of a secret group: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) with a shared key. */
import sodium from "sodium-native";
import { GROUP_KEY_ID_BYTES, GROUP_NONCE_BYTES, SEAL_TAG_BYTES } from "../wire/constants.js";
import { asBuffer, encodeUtf8, fromHex, toHex } from "../wire/cursor.js";
import type { RandomSource } from "./random.js";

/** Bytes of a group key. */
export const GROUP_KEY_BYTES = 32;
const MIN_HASH_BYTES = 16;

/** A key that members of a secret group share. */
export interface GroupKey {
  /** 64 hexadecimal digits. */
  readonly secret: string;
  /** What tells it from others on the wire, 16 hexadecimal digits; says nothing of the secret. */
  readonly id: string;
  /** `header` followed by the sealed datagram. The nonce is drawn from `random`. */
  seal(header: (nonce: Uint8Array) => Uint8Array, datagram: Uint8Array): Uint8Array;
  /** The datagram, or undefined if it was not sealed with this key and header. */
  open(nonce: Uint8Array, header: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
  /** Shows that whoever made it has the key: 16 bytes over `message`. */
  prove(message: Uint8Array): Uint8Array;
}

/** A new key, drawn from `random`. */
export function newGroupKey(random: RandomSource): GroupKey {
  return groupKeyOf(toHex(random.bytes(GROUP_KEY_BYTES)), random);
}

/** `secret`: 64 hexadecimal digits. `random`: where its nonces come from. */
export function groupKeyOf(secret: string, random: RandomSource): GroupKey {
  const key = Buffer.from(fromHex(secret));
  return {
    secret,
    id: toHex(keyed(key, encodeUtf8("udpchat group key id 1\n")).subarray(0, GROUP_KEY_ID_BYTES)),
    seal(headerOf, datagram) {
      const nonce = random.bytes(GROUP_NONCE_BYTES);
      const header = headerOf(nonce);
      const sealed = Buffer.alloc(header.length + datagram.length + SEAL_TAG_BYTES);
      sealed.set(header);
      sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
        sealed.subarray(header.length),
        asBuffer(datagram),
        asBuffer(header),
        null,
        asBuffer(nonce),
        key,
      );
      return sealed;
    },
    open(nonce, header, sealed) {
      if (sealed.length < SEAL_TAG_BYTES) return undefined;
      const datagram = Buffer.alloc(sealed.length - SEAL_TAG_BYTES);
      try {
        sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
          datagram,
          null,
          asBuffer(sealed),
          asBuffer(header),
          asBuffer(nonce),
          key,
        );
      } catch {
        return undefined;
      }
      return datagram;
    },
    prove: (message) => keyed(key, message),
  };
}

/** BLAKE2b (RFC 7693) keyed with the group key, 16 bytes. */
function keyed(key: Buffer, message: Uint8Array): Uint8Array {
  const digest = Buffer.alloc(MIN_HASH_BYTES);
  sodium.crypto_generichash(digest, asBuffer(message), key);
  return digest;
}
