import sodium from "sodium-native";
import { DEVICE_BYTES, SIGNATURE_BYTES } from "../wire/constants.js";
import { fromHex, toHex } from "../wire/cursor.js";

/** Bytes of the secret seed that an identity is made from and stored as (RFC 8032 section 5.1.5). */
export const IDENTITY_SEED_BYTES = 32;

/** A device: an Ed25519 key pair. The public key is its name everywhere. */
export interface Identity {
  /** Public key, 64 lower-case hexadecimal digits. */
  readonly device: string;
  /** Ed25519 signature over `message`, 64 bytes (RFC 8032 section 5.1.6). */
  sign(message: Uint8Array): Uint8Array;
}

/** Checks the signature of a device over `message`; false for any malformed key or signature. */
export type Verify = (device: string, message: Uint8Array, signature: Uint8Array) => boolean;

/** The identity of a 32-byte seed; the same seed gives the same identity. */
export function identityFromSeed(seed: Uint8Array): Identity {
  const publicKey = Buffer.alloc(sodium.crypto_sign_PUBLICKEYBYTES);
  const secretKey = Buffer.alloc(sodium.crypto_sign_SECRETKEYBYTES);
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, Buffer.from(seed));
  return {
    device: toHex(publicKey),
    sign(message) {
      const signature = Buffer.alloc(SIGNATURE_BYTES);
      sodium.crypto_sign_detached(signature, asBuffer(message), secretKey);
      return signature;
    },
  };
}

/** {@link Verify} with libsodium, which also rejects keys of small order. */
export const verifyEd25519: Verify = (device, message, signature) => {
  const publicKey = fromHex(device); // stops at the first character that is no digit
  if (device.length !== 2 * DEVICE_BYTES || publicKey.length !== DEVICE_BYTES) return false;
  if (signature.length !== SIGNATURE_BYTES) return false;
  return sodium.crypto_sign_verify_detached(
    asBuffer(signature),
    asBuffer(message),
    asBuffer(publicKey),
  );
};

/** The same memory as a Buffer, which is what sodium-native takes. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
