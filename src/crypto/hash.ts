import sodium from "sodium-native";
import { asBuffer, encodeUtf8 } from "../wire/cursor.js";

/** BLAKE2b (RFC 7693) of `input`, `sizeBytes` (16 to 64) long. */
export function blake2b(input: Uint8Array | string, sizeBytes: number): Uint8Array {
  const bytes = typeof input === "string" ? encodeUtf8(input) : input;
  const digest = Buffer.alloc(sizeBytes);
  sodium.crypto_generichash(digest, Buffer.from(bytes));
  return digest;
}

/**
 * BLAKE2b with a key of 16 to 64 bytes (RFC 7693 section 2.9), `sizeBytes` (16 to 64) long: only
 * who has the key can tell it.
 */
export function keyedBlake2b(key: Uint8Array, input: string, sizeBytes: number): Uint8Array {
  const digest = Buffer.alloc(sizeBytes);
  sodium.crypto_generichash(digest, Buffer.from(input), asBuffer(key));
  return digest;
}

/** Compares in a time that does not tell where they differ. */
export function isSameDigest(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && sodium.sodium_memcmp(asBuffer(one), asBuffer(other));
}
