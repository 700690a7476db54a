import type { ErrorCode } from "../errors.js";

/** What the exit codes mean; a promise to scripts. */
export const EXIT = {
  done: 0,
  internal: 1,
  usage: 2,
  nobody: 3,
  notDelivered: 4,
  refused: 5,
  daemon: 6,
  interrupted: 130,
} as const;

/** For people. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: "done; for send: delivered (with --queue: delivered or queued)",
  internal:
    "an internal error, a home that cannot be used (NO_CRYPTO, NO_SQLITE, STORE_UNUSABLE), or a " +
    "service manager (NO_SERVICE_MANAGER, SERVICE_FAILED)",
  usage: "the command line or a value in it is wrong",
  nobody: "nobody: no such peer, no answer to discover or doctor",
  notDelivered:
    "not delivered, no reply, or not read (--wait-read), in --timeout (5 s); doctor found a problem",
  refused:
    "refused: blocked, a changed key, not verified, codes differ; no handler, it failed, or a " +
    "newer serve",
  daemon: "the daemon is needed and not running, or it is and must not be",
  interrupted: "interrupted",
};

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const EXIT_OF_CODE: Readonly<Record<ErrorCode, ExitCode>> = {
  INVALID_ARGUMENT: EXIT.usage,
  INVALID_TARGET: EXIT.usage,
  INVALID_GROUP: EXIT.usage,
  INVALID_NAME: EXIT.usage,
  INVALID_PORT: EXIT.usage,
  INVALID_DURATION: EXIT.usage,
  MESSAGE_TOO_LARGE: EXIT.usage,
  AMBIGUOUS_PEER: EXIT.usage,
  NOT_A_MEMBER: EXIT.usage,
  INVALID_PASSPHRASE: EXIT.usage,
  NO_SUCH_MESSAGE: EXIT.usage,

  NO_SUCH_PEER: EXIT.nobody,
  NOBODY: EXIT.nobody,
  NAME_NOT_RESOLVED: EXIT.nobody,

  TIMEOUT: EXIT.notDelivered,
  NETWORK_UNAVAILABLE: EXIT.notDelivered,
  // The request may have been executed; what is certain is that no reply comes.
  PEER_RESTARTED: EXIT.notDelivered,

  REFUSED: EXIT.refused,
  NO_HANDLER: EXIT.refused,
  HANDLER_FAILED: EXIT.refused,
  EXPIRED: EXIT.refused,
  BLOCKED: EXIT.refused,
  KEY_CHANGED: EXIT.refused,
  NOT_VERIFIED: EXIT.refused,
  CODE_MISMATCH: EXIT.refused,
  NO_GROUP_KEY: EXIT.refused,

  DAEMON_NOT_RUNNING: EXIT.daemon,
  DAEMON_RUNNING: EXIT.daemon,

  ABORTED: EXIT.interrupted,

  CLOSED: EXIT.internal,
  MALFORMED_DATAGRAM: EXIT.internal,
  PORT_IN_USE: EXIT.internal,
  HOME_UNUSABLE: EXIT.internal,
  NO_CRYPTO: EXIT.internal,
  NO_SQLITE: EXIT.internal,
  STORE_UNUSABLE: EXIT.internal,
  NO_SERVICE_MANAGER: EXIT.internal,
  SERVICE_FAILED: EXIT.internal,
  LIMIT_REACHED: EXIT.internal,
  INTERNAL: EXIT.internal,
};

/** The exit code of a command that failed with this error. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  return EXIT_OF_CODE[code];
}
