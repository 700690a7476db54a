/**
 * Every failure that leaves a function of ours is an `UdpchatError` with a stable `code`.
 * Match on `code`, never on the message text.
 *
 * `fault` says whose it is:
 * - `usage`: the caller passed something wrong; trying again unchanged will not help.
 * - `peer`: the other side refused, misbehaved or sent something malformed.
 * - `weather`: the network did not carry it; trying again later may help.
 * - `ours`: a bug or a broken installation on this side.
 */
export type Fault = "usage" | "peer" | "weather" | "ours";

const FAULT_OF_CODE = {
  INVALID_ARGUMENT: "usage",
  INVALID_TARGET: "usage",
  INVALID_GROUP: "usage",
  INVALID_NAME: "usage",
  INVALID_PORT: "usage",
  INVALID_DURATION: "usage",
  MESSAGE_TOO_LARGE: "usage",
  AMBIGUOUS_PEER: "usage",
  NOT_A_MEMBER: "usage",
  INVALID_PASSPHRASE: "usage",
  ABORTED: "usage",
  CLOSED: "usage",
  NO_SUCH_MESSAGE: "usage",
  DAEMON_NOT_RUNNING: "usage",
  DAEMON_RUNNING: "usage",

  NO_SUCH_PEER: "weather",
  NOBODY: "weather",
  TIMEOUT: "weather",
  NAME_NOT_RESOLVED: "weather",
  NETWORK_UNAVAILABLE: "weather",

  REFUSED: "peer",
  NO_HANDLER: "peer",
  HANDLER_FAILED: "peer",
  EXPIRED: "peer",
  PEER_RESTARTED: "peer",
  /** The peer, or we, decided that nothing is exchanged. */
  BLOCKED: "peer",
  /** A name that we know stands for another key now. */
  KEY_CHANGED: "peer",
  /** Only verified peers were asked for. */
  NOT_VERIFIED: "peer",
  /** The codes of the two sides differ. */
  CODE_MISMATCH: "peer",
  /** A secret group goes on with a key that we were not given. */
  NO_GROUP_KEY: "peer",
  MALFORMED_DATAGRAM: "peer",

  PORT_IN_USE: "ours",
  HOME_UNUSABLE: "ours",
  /** Native code that everything is sealed and signed with cannot be loaded here. */
  NO_CRYPTO: "ours",
  /** This Node has no SQLite, and nothing else brings it. */
  NO_SQLITE: "ours",
  /** The database can be neither read nor written: the disk is full, read-only or broken. */
  STORE_UNUSABLE: "ours",
  /** The system's service manager does not answer this user, or there is none. */
  NO_SERVICE_MANAGER: "ours",
  /** It answers, and does not do what it is asked for. */
  SERVICE_FAILED: "ours",
  LIMIT_REACHED: "ours",
  INTERNAL: "ours",
} as const satisfies Record<string, Fault>;

/** What to do about each, where whoever throws knows nothing better. */
const REMEDY_OF_CODE = {
  INVALID_ARGUMENT: "correct it, see udpchat --help",
  INVALID_TARGET: "use host:port, a name or the first characters of an id",
  INVALID_GROUP: "use 224.0.1.100, address:port or '#name'",
  INVALID_NAME: "use at most 32 bytes, without control characters",
  INVALID_PORT: "use 1 to 65535",
  INVALID_DURATION: "write it as 500ms, 2s, 5m or 7d",
  MESSAGE_TOO_LARGE: "send it in parts or as a file",
  AMBIGUOUS_PEER: "write more characters of the id",
  NOT_A_MEMBER: "join the group first",
  INVALID_PASSPHRASE: "type it again",
  ABORTED: "try again if it is still wanted",
  CLOSED: "open it again",
  NO_SUCH_MESSAGE: "see udpchat outbox",
  DAEMON_NOT_RUNNING: "start it with `udpchat start`",
  DAEMON_RUNNING: "stop it first with `udpchat stop`",

  NO_SUCH_PEER: "see udpchat discover for who is there",
  NOBODY: "check that udpchat runs on other hosts of this network",
  TIMEOUT: "wait longer with --timeout",
  NAME_NOT_RESOLVED: "check the spelling, or use the address",
  NETWORK_UNAVAILABLE: "check that this machine is on a network",

  REFUSED: "talk to whoever runs the other side",
  NO_HANDLER: "run `udpchat serve` over there",
  HANDLER_FAILED: "talk to whoever runs the program that answers",
  EXPIRED: "ask again",
  PEER_RESTARTED: "ask again, if doing it twice does no harm",
  BLOCKED: "see udpchat unblock, or talk to whoever runs the other side",
  KEY_CHANGED: "compare codes with udpchat verify",
  NOT_VERIFIED: "compare codes with udpchat verify",
  CODE_MISMATCH: "compare them again, face to face: somebody may stand between you",
  NO_GROUP_KEY: "ask a member for an invitation",
  MALFORMED_DATAGRAM: "update udpchat on both sides",

  PORT_IN_USE: "choose another one with --port",
  HOME_UNUSABLE: "check the permissions of the folder, or choose another with --home",
  NO_CRYPTO: "install udpchat anew",
  NO_SQLITE: "use Node 22.13 or later",
  NO_SERVICE_MANAGER: "use `udpchat start`",
  SERVICE_FAILED: "read `udpchat logs`",
  STORE_UNUSABLE: "make room on that disk, or make it writable",
  LIMIT_REACHED: "try again later",
  INTERNAL: "run again with --verbose and report it as a bug",
} as const satisfies Record<keyof typeof FAULT_OF_CODE, string>;

/** The stable name of a failure; see the table above for whose fault each one is. */
export type ErrorCode = keyof typeof FAULT_OF_CODE;

/** True if `value` is one of our codes: used where a code arrives as text (the local API). */
export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(FAULT_OF_CODE, value);
}

/** Options of an {@link UdpchatError}. */
export interface UdpchatErrorOptions {
  /**
   * What the reader can do about it: an imperative clause without a full stop. Default: what can be
   * done about every error of this code.
   */
  readonly remedy?: string;
  /** The error underneath, kept for `--verbose` and logs. */
  readonly cause?: unknown;
}

/** The one error class of this project. `message` says what went wrong, `remedy` what to do. */
export class UdpchatError extends Error {
  override readonly name = "UdpchatError";
  readonly code: ErrorCode;
  readonly remedy: string;

  /** `message` says what went wrong, as a clause without a full stop. */
  constructor(code: ErrorCode, message: string, options: UdpchatErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy ?? REMEDY_OF_CODE[code];
  }

  /** Whose fault this is. */
  get fault(): Fault {
    return FAULT_OF_CODE[this.code];
  }
}

/** What to do when a peer does not answer. */
export const UNREACHABLE_REMEDY =
  "check that udpchat runs there and that no firewall between you blocks UDP";

/** The `code` of a Node system error (`EADDRINUSE`, ...), or undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  return undefined;
}

/**
 * There is no native code for this machine, or it needs another C library (musl). SQLite's failures
 * never come so far: what cannot be loaded otherwise is sodium-native.
 */
const NOT_LOADED: ReadonlySet<string> = new Set(["ADDON_NOT_FOUND", "ERR_DLOPEN_FAILED"]);

function noCrypto(cause: unknown): UdpchatError {
  const message = `sodium-native cannot be loaded on ${process.platform}-${process.arch}`;
  return new UdpchatError("NO_CRYPTO", message, {
    cause,
    remedy:
      "use Linux with glibc (not Alpine), macOS or Windows, on x64 or arm64; if this is one of them, " +
      "install udpchat again",
  });
}

/** Anything that was thrown, as an `UdpchatError`: unknown things become `INTERNAL`. */
export function toUdpchatError(thrown: unknown): UdpchatError {
  if (thrown instanceof UdpchatError) return thrown;
  if (NOT_LOADED.has(errnoOf(thrown) ?? "")) return noCrypto(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new UdpchatError("INTERNAL", message, {
    cause: thrown,
  });
}
