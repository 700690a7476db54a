import { DEVICE_BYTES } from "../wire/constants.js";
import { encodeUtf8, fromHex } from "../wire/cursor.js";
import { ARGON2ID_SALT_BYTES, argon2id } from "./argon2id.js";
import { blake2b } from "./hash.js";

/** Fixed by version 1: both sides must come to the same code. */
const CODE_DOMAIN = "udpchat verification code 1\n";
const GROUPS = 5;
const GROUP_DIGITS = 5;
/** The remainder of so many bytes favours no code by more than 2^-170. */
const STRETCHED_BYTES = 32;

/**
 * What two people compare to know that nobody stands between them: five groups of five digits made
 * of both device keys, the same on both sides.
 *
 * Whoever stands between shows each side a key of his own, and wins if both codes come out equal.
 * He may choose both keys, so it is a birthday search: of 10^25 codes (83 bits) some 2^42 keys are
 * enough, an hour's work for a plain hash. Therefore each code is stretched with Argon2id: at
 * 64 MiB and about 0.2 s each the search takes some 28,000 core years.
 * @param one the public key of either side, 64 hexadecimal digits; `other` the other's
 */
export async function verificationCode(one: string, other: string): Promise<string> {
  // Hexadecimal digits of one case sort as the bytes do.
  const [first = "", second = ""] = [one, other].toSorted();
  const domain = encodeUtf8(CODE_DOMAIN);
  const input = new Uint8Array(domain.length + 2 * DEVICE_BYTES);
  input.set(domain);
  input.set(fromHex(first), domain.length);
  input.set(fromHex(second), domain.length + DEVICE_BYTES);
  const salt = blake2b(input, ARGON2ID_SALT_BYTES);
  const stretched = await argon2id(input, salt, STRETCHED_BYTES);
  const code = BigInt(`0x${stretched.toString("hex")}`) % 10n ** BigInt(GROUPS * GROUP_DIGITS);
  const digits = code.toString().padStart(GROUPS * GROUP_DIGITS, "0");
  return digits.replaceAll(/\d{5}(?!$)/g, "$& ");
}

/** True if the text has as many digits as a code, however they are spaced, and nothing else. */
export function isCode(text: string): boolean {
  return /^\d+$/.test(digitsOf(text)) && digitsOf(text).length === GROUPS * GROUP_DIGITS;
}

/** True if both are the same code, however their digits are spaced. */
export function isSameCode(code: string, other: string): boolean {
  return digitsOf(code) === digitsOf(other);
}

function digitsOf(code: string): string {
  return code.replaceAll(/[\s-]/g, "");
}
