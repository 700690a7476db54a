import sodium from "sodium-native";
import { encodeUtf8, toHex } from "../wire/cursor.js";
import { GROUP_KEY_BYTES } from "./groupSeal.js";
import { blake2b } from "./hash.js";

/** Argon2id (RFC 9106 section 4, second choice: 64 MiB, three passes), about 0.2 s. */
const PASSES = 3;
const MEMORY_BYTES = 64 * 1024 * 1024;
/** Fixed by version 1: the salt is all that members have in common before they talk. */
const SALT_DOMAIN = "udpchat group passphrase 1\n";

/**
 * The first key of a secret group, 64 hexadecimal digits: the same for everybody who knows the
 * label and the passphrase (UTF-8 after NFC). Runs beside the event loop.
 */
export async function passphraseGroupKey(label: string, passphrase: string): Promise<string> {
  const salt = Buffer.from(blake2b(SALT_DOMAIN + label, sodium.crypto_pwhash_SALTBYTES));
  const key = Buffer.alloc(GROUP_KEY_BYTES);
  const password = Buffer.from(encodeUtf8(passphrase.normalize("NFC")));
  const algorithm = sodium.crypto_pwhash_ALG_ARGON2ID13;
  await new Promise<void>((resolve, reject) => {
    sodium.crypto_pwhash_async(key, password, salt, PASSES, MEMORY_BYTES, algorithm, (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  return toHex(key);
}
