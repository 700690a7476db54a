import { lstat, mkdir } from "node:fs/promises";
import { UdpchatError } from "../errors.js";

/** Creates a folder (0700) and its parents if they are missing; one that exists stays as it is. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new UdpchatError("HOME_UNUSABLE", `cannot create the folder ${path}`, {
      cause,
      remedy: "check its permissions, or choose another with --home",
    });
  }
}

/**
 * A folder that nobody else can have put there or look into: needed in the shared temporary
 * folder, where another user may take the name first.
 * @throws UdpchatError HOME_UNUSABLE if it belongs to somebody else or is open to others
 */
export async function makePrivateFolder(path: string): Promise<void> {
  await makeFolder(path);
  if (process.platform === "win32") return;
  const found = await lstat(path);
  const isPrivate = found.isDirectory() && (found.mode & 0o077) === 0;
  if (!isPrivate || found.uid !== process.getuid?.()) {
    throw new UdpchatError("HOME_UNUSABLE", `the folder ${path} is not private to you`, {
      remedy: "remove it, or choose a shorter home with --home",
    });
  }
}
