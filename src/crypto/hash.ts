import sodium from "sodium-native";
import { encodeUtf8 } from "../wire/cursor.js";

/** BLAKE2b (RFC 7693) of `input`, `sizeBytes` (16 to 64) long. */
export function blake2b(input: Uint8Array | string, sizeBytes: number): Uint8Array {
  const bytes = typeof input === "string" ? encodeUtf8(input) : input;
  const digest = Buffer.alloc(sizeBytes);
  sodium.crypto_generichash(digest, Buffer.from(bytes));
  return digest;
}
