import { hostname, userInfo } from "node:os";
import { UdpchatError } from "../errors.js";
import { MAX_NAME_BYTES } from "../wire/constants.js";
import { encodeUtf8 } from "../wire/cursor.js";
import { notNicknameBecause } from "./target.js";

// Control, format (bidi overrides, zero width), line and paragraph separators, lone surrogates.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/**
 * A nickname that can go on the wire.
 * @throws UdpchatError INVALID_NAME
 */
export function checkedNickname(name: string): string {
  const sizeBytes = encodeUtf8(name).length;
  if (name.trim() === "") throw invalidName("a nickname needs at least one visible character");
  if (sizeBytes > MAX_NAME_BYTES) {
    throw invalidName(`the nickname has ${sizeBytes} bytes: at most ${MAX_NAME_BYTES} fit`);
  }
  if (UNPRINTABLE.test(name)) throw invalidName("the nickname contains control characters");
  const reason = notNicknameBecause(name.trim());
  if (reason !== undefined) throw invalidName(`the nickname ${name.trim()} ${reason}`);
  return name;
}

function invalidName(message: string): UdpchatError {
  return new UdpchatError("INVALID_NAME", message, { remedy: "choose another one" });
}

/** The login name, or else the host's, cut to what fits. */
export function defaultNickname(): string {
  return fitting(loginName()) || fitting(hostname()) || "anonymous";
}

/** Fails where the user has no entry in the system's list, as in some containers. */
function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    return "";
  }
}

function fitting(name: string): string {
  let kept = "";
  for (const character of name.trim()) {
    if (UNPRINTABLE.test(character)) continue;
    if (encodeUtf8(kept + character).length > MAX_NAME_BYTES) break;
    kept += character;
  }
  kept = kept.trim();
  return notNicknameBecause(kept) === undefined ? kept : "";
}
