import { tmpdir, userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import envPaths from "env-paths";

/** Where one user's things lie. Nothing here is created by naming it. */
export interface Paths {
  /** Folder of the identity; two of them are two independent users on one host. */
  readonly home: string;
  readonly identityFile: string;
  /** Standing groups of the daemon. */
  readonly membershipsFile: string;
  /** Keys of secret groups, and invitations. */
  readonly groupKeysFile: string;
  /** The keys that we met. */
  readonly trustFile: string;
  /** Messages, receipts, the outbox and group datagrams; `-wal` and `-shm` belong to it. */
  readonly databaseFile: string;
  readonly configFile: string;
  readonly logFile: string;
  /** Held while a daemon runs; contains its process id. */
  readonly pidFile: string;
  /** Unix domain socket of the daemon, or the name of a pipe on Windows. */
  readonly socket: string;
  /**
   * Folder of the socket alone, which must exist, private, before it is bound: some systems ask
   * for no permission on the socket itself (unix(7)). Undefined on Windows.
   */
  readonly socketFolder: string | undefined;
}

/**
 * `sun_path` holds 104 bytes on macOS and the BSDs and 108 on Linux, one of them for the NUL
 * (unix(4), unix(7)). The smaller one everywhere, so that the rule is one.
 */
export const MAX_SOCKET_PATH_BYTES = 103;

/**
 * The paths of a home folder: everything in it if one is named (or not empty), else spread over
 * the platform's own folders for data, settings and logs.
 */
export function pathsOf(home?: string): Paths {
  if (home === undefined || home === "") {
    const platform = envPaths("udpchat", { suffix: "" });
    return pathsIn(platform.data, platform.config, platform.log);
  }
  const folder = resolve(home);
  return pathsIn(folder, folder, folder);
}

function pathsIn(home: string, configFolder: string, logFolder: string): Paths {
  const socket = socketOf(home);
  return {
    home,
    identityFile: join(home, "identity.json"),
    membershipsFile: join(home, "memberships.json"),
    groupKeysFile: join(home, "groupKeys.json"),
    trustFile: join(home, "trust.json"),
    databaseFile: join(home, "udpchat.db"),
    configFile: join(configFolder, "config.json"),
    logFile: join(logFolder, "udpchat.log"),
    pidFile: join(home, "udpchat.pid"),
    socket,
    socketFolder: process.platform === "win32" ? undefined : dirname(socket),
  };
}

function socketOf(home: string): string {
  if (process.platform === "win32") {
    // Paths there ignore case; pipe names live in one namespace of the machine.
    return `\\\\.\\pipe\\udpchat-${shortHash(home.toLowerCase())}`;
  }
  const inHome = join(home, "run", "udpchat.sock");
  if (Buffer.byteLength(inHome) <= MAX_SOCKET_PATH_BYTES) return inHome;
  return join(tmpdir(), `udpchat-${userInfo().uid}`, `${shortHash(home)}.sock`);
}

/** Tells the homes of one user apart where names are to be short: 8 hexadecimal digits. */
export function homeMark(home: string): string {
  return shortHash(resolve(home)).slice(0, 8);
}

function shortHash(text: string): string {
  // Few need it, and it takes a tenth of the time in which a short command is over.
  const { createHash } = process.getBuiltinModule("node:crypto");
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
