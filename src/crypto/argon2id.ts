import sodium from "sodium-native";

/** Argon2id (RFC 9106 section 4, second choice: 64 MiB, three passes), about 0.2 s. */
const PASSES = 3;
const MEMORY_BYTES = 64 * 1024 * 1024;

/** Bytes of salt that {@link argon2id} takes. */
export const ARGON2ID_SALT_BYTES = sodium.crypto_pwhash_SALTBYTES;

/** Argon2id of `input`, `sizeBytes` (16 or more) long. Runs beside the event loop. */
export async function argon2id(
  input: Uint8Array,
  salt: Uint8Array,
  sizeBytes: number,
): Promise<Buffer> {
  const stretched = Buffer.alloc(sizeBytes);
  const algorithm = sodium.crypto_pwhash_ALG_ARGON2ID13;
  await sodium.crypto_pwhash_async(
    stretched,
    Buffer.from(input),
    Buffer.from(salt),
    PASSES,
    MEMORY_BYTES,
    algorithm,
  );
  return stretched;
}
