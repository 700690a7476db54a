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

/** The stable name of a failure; see the table above for whose fault each one is. */
export type ErrorCode = keyof typeof FAULT_OF_CODE;

/** True if `value` is one of our codes: used where a code arrives as text (the local API). */
export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(FAULT_OF_CODE, value);
}

/** Options of an {@link UdpchatError}. */
export interface UdpchatErrorOptions {
  /** What the reader can do about it: an imperative clause without a full stop. */
  readonly remedy?: string;
  /** The error underneath, kept for `--verbose` and logs. */
  readonly cause?: unknown;
}

/** The one error class of this project. `message` says what went wrong, `remedy` what to do. */
export class UdpchatError extends Error {
  override readonly name = "UdpchatError";
  readonly code: ErrorCode;
  readonly remedy: string | undefined;

  constructor(code: ErrorCode, message: string, options: UdpchatErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
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

/** Anything that was thrown, as an `UdpchatError`: unknown things become `INTERNAL`. */
export function toUdpchatError(thrown: unknown): UdpchatError {
  if (thrown instanceof UdpchatError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new UdpchatError("INTERNAL", message, {
    cause: thrown,
    remedy: "run again with --verbose and report it as a bug",
  });
}
