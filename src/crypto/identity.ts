import sodium from "sodium-native";
import { DEVICE_BYTES, SIGNATURE_BYTES } from "../wire/constants.js";
import { asBuffer, fromHex, toHex } from "../wire/cursor.js";

/** Bytes of the secret seed that an identity is made from and stored as (RFC 8032 section 5.1.5). */
export const IDENTITY_SEED_BYTES = 32;

/** A device: an Ed25519 key pair. The public key is its name everywhere. */
export interface Identity {
  /** Public key, 64 lower-case hexadecimal digits. */
  readonly device: string;
  /** Ed25519 signature over `message`, 64 bytes (RFC 8032 section 5.1.6). */
  sign(message: Uint8Array): Uint8Array;
}

/** An X25519 key pair (RFC 7748), 32 bytes each. */
export interface AgreementKeyPair {
  readonly publicKey: Buffer;
  readonly secretKey: Buffer;
}

/** An identity that can also agree on session keys. */
export interface DeviceIdentity extends Identity {
  /** Derived from the Ed25519 key, so that one name stands for both: {@link agreementKeyOf}. */
  readonly agreement: AgreementKeyPair;
}

/** Checks the signature of a device over `message`; false for any malformed key or signature. */
export type Verify = (device: string, message: Uint8Array, signature: Uint8Array) => boolean;

/** The identity of a 32-byte seed; the same seed gives the same identity. */
export function identityFromSeed(seed: Uint8Array): DeviceIdentity {
  const publicKey = Buffer.alloc(sodium.crypto_sign_PUBLICKEYBYTES);
  const secretKey = Buffer.alloc(sodium.crypto_sign_SECRETKEYBYTES);
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, Buffer.from(seed));
  const agreement = { publicKey: Buffer.alloc(32), secretKey: Buffer.alloc(32) };
  sodium.crypto_sign_ed25519_pk_to_curve25519(agreement.publicKey, publicKey);
  sodium.crypto_sign_ed25519_sk_to_curve25519(agreement.secretKey, secretKey);
  return {
    device: toHex(publicKey),
    agreement,
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

/**
 * The X25519 public key that belongs to a device (RFC 7748 section 4.1: the birational map).
 * Undefined for what is no Ed25519 public key. A key and its negative share one X25519 key: who
 * has the one secret has both, so neither can be claimed by anybody else.
 */
export function agreementKeyOf(device: string): Uint8Array | undefined {
  const publicKey = fromHex(device);
  if (publicKey.length !== DEVICE_BYTES) return undefined;
  const agreementKey = Buffer.alloc(32);
  try {
    sodium.crypto_sign_ed25519_pk_to_curve25519(agreementKey, asBuffer(publicKey));
  } catch {
    return undefined; // not on the curve, or of small order
  }
  return agreementKey;
}
