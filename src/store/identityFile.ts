import { open } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import { type DeviceIdentity, IDENTITY_SEED_BYTES, identityFromSeed } from "../crypto/identity.js";
import type { RandomSource } from "../crypto/random.js";
import { errnoOf, UdpchatError } from "../errors.js";
import { fromHex, toHex } from "../wire/cursor.js";
import { createFile } from "./atomicFile.js";
import { isOfLaterVersion, laterVersion } from "./jsonFile.js";
import { makeFolder } from "./privateFolder.js";

/** The public key is there to notice a damaged seed, and for people who look. */
const IdentityFileSchema = v.object({
  version: v.literal(1),
  seed: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  device: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});

/** The file has about 170 bytes; more than this is something else. */
const MAX_FILE_BYTES = 4096;

/**
 * The identity in the file at `path`; on the first run it is made and stored (file 0600, its
 * folder 0700 if it had to be made). Processes that start at once end with the same identity.
 * An existing file is never overwritten; permissions wider than 0600 are taken back.
 * @throws UdpchatError HOME_UNUSABLE
 */
export async function loadOrCreateIdentity(
  path: string,
  random: RandomSource,
): Promise<DeviceIdentity> {
  const existing = await loadIdentity(path);
  if (existing !== undefined) return existing;
  await makeFolder(dirname(path));
  const seed = random.bytes(IDENTITY_SEED_BYTES);
  const identity = identityFromSeed(seed);
  const content = { version: 1, seed: toHex(seed), device: identity.device };
  let created: boolean;
  try {
    created = await createFile(path, `${JSON.stringify(content)}\n`);
  } catch (cause) {
    throw new UdpchatError("HOME_UNUSABLE", `cannot write the identity file ${path}`, {
      cause,
      remedy: "check the permissions and free space there, or choose another folder with --home",
    });
  }
  if (created) return identity;
  const winner = await loadIdentity(path);
  if (winner === undefined) throw damaged(path);
  return winner;
}

/**
 * The identity in the file at `path`; undefined if there is none.
 * @throws UdpchatError HOME_UNUSABLE
 */
export async function loadIdentity(path: string): Promise<DeviceIdentity | undefined> {
  const text = await readPrivateFile(path);
  if (text === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw damaged(path);
  }
  if (isOfLaterVersion(parsed)) throw laterVersion(path);
  const content = v.safeParse(IdentityFileSchema, parsed);
  if (!content.success) throw damaged(path);
  const identity = identityFromSeed(fromHex(content.output.seed));
  if (identity.device !== content.output.device) throw damaged(path);
  return identity;
}

async function readPrivateFile(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, "r");
    try {
      const { mode, size } = await file.stat();
      if (size > MAX_FILE_BYTES) throw damaged(path);
      if (process.platform !== "win32" && (mode & 0o077) !== 0) await file.chmod(0o600);
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof UdpchatError) throw cause;
    if (errnoOf(cause) === "ENOENT") return undefined;
    throw new UdpchatError("HOME_UNUSABLE", `cannot read the identity file ${path}`, {
      cause,
      remedy: "make it a file that only you can read and write, or choose another --home",
    });
  }
}

function damaged(path: string): UdpchatError {
  return new UdpchatError("HOME_UNUSABLE", `the identity file ${path} is damaged`, {
    remedy:
      "restore it from a backup; or move it away to start as a new device, " +
      "which other people will see as a stranger",
  });
}
