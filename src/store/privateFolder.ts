import { lstat, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf, UdpchatError } from "../errors.js";

/** Creates a folder (0700) and its parents if they are missing; one that exists stays as it is. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeWithParents(path);
  } catch (cause) {
    throw new UdpchatError("HOME_UNUSABLE", `cannot create the folder ${path}`, {
      cause,
      remedy: "check its permissions, or choose another with --home",
    });
  }
}

/**
 * Not `mkdir` with `recursive`: that loops without end where a parent exists and nothing can be
 * created in it with ENOENT, as in /proc.
 */
async function makeWithParents(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const code = errnoOf(error);
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
    const parent = dirname(path);
    const parentIsMissing = code === "ENOENT" && parent !== path && !(await exists(parent));
    if (!parentIsMissing) throw error;
    await makeWithParents(parent);
    await makeWithParents(path);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
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
