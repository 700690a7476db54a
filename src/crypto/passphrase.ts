import { encodeUtf8, toHex } from "../wire/cursor.js";
import { ARGON2ID_SALT_BYTES, argon2id } from "./argon2id.js";
import { GROUP_KEY_BYTES } from "./groupSeal.js";
import { blake2b } from "./hash.js";

/** Fixed by version 1: the salt is all that members have in common before they talk. */
const SALT_DOMAIN = "udpchat group passphrase 1\n";

/**
 * The first key of a secret group, 64 hexadecimal digits: the same for everybody who knows the
 * label and the passphrase (UTF-8 after NFC). Runs beside the event loop.
 */
export async function passphraseGroupKey(label: string, passphrase: string): Promise<string> {
  const salt = blake2b(SALT_DOMAIN + label, ARGON2ID_SALT_BYTES);
  const password = encodeUtf8(passphrase.normalize("NFC"));
  return toHex(await argon2id(password, salt, GROUP_KEY_BYTES));
}
