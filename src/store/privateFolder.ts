import { constants, mkdir, open, stat } from "node:fs/promises";
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
 * A folder (0700) that nobody else can have put there, look into or change: needed for the socket,
 * and in the shared temporary folder, where another user may take the name first. One of ours that
 * is open to others is closed to them.
 * @throws UdpchatError HOME_UNUSABLE if it belongs to somebody else, or is no folder
 */
export async function makePrivateFolder(path: string): Promise<void> {
  await makeFolder(path);
  if (process.platform === "win32") return;
  // What is looked at is what is changed, even if somebody swaps it meanwhile.
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  const folder = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch((cause: unknown) => {
    throw notPrivate(path, cause);
  });
  try {
    const { mode, uid } = await folder.stat();
    if (uid !== process.getuid?.()) throw notPrivate(path);
    if ((mode & 0o077) !== 0) await folder.chmod(0o700);
  } finally {
    await folder.close();
  }
}

function notPrivate(path: string, cause?: unknown): UdpchatError {
  return new UdpchatError("HOME_UNUSABLE", `the folder ${path} is not private to you`, {
    cause,
    remedy: "remove it, or choose another home with --home",
  });
}
