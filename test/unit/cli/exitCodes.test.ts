import { describe, expect, it } from "vitest";
import { EXIT, exitCodeOf } from "../../../src/cli/exitCodes.js";
import type { ErrorCode } from "../../../src/errors.js";

describe("exitCodeOf", () => {
  const promised: readonly [number, readonly ErrorCode[]][] = [
    [
      2,
      [
        "INVALID_ARGUMENT",
        "INVALID_TARGET",
        "INVALID_GROUP",
        "INVALID_NAME",
        "INVALID_PORT",
        "INVALID_DURATION",
        "MESSAGE_TOO_LARGE",
        "AMBIGUOUS_PEER",
        "NOT_A_MEMBER",
        "NO_SUCH_MESSAGE",
      ],
    ],
    [3, ["NO_SUCH_PEER", "NOBODY", "NAME_NOT_RESOLVED"]],
    [4, ["TIMEOUT", "PEER_RESTARTED", "NETWORK_UNAVAILABLE"]],
    [
      5,
      [
        "REFUSED",
        "NO_HANDLER",
        "HANDLER_FAILED",
        "EXPIRED",
        "BLOCKED",
        "KEY_CHANGED",
        "NOT_VERIFIED",
        "CODE_MISMATCH",
        "NO_GROUP_KEY",
      ],
    ],
    [6, ["DAEMON_NOT_RUNNING", "DAEMON_RUNNING"]],
    [130, ["ABORTED"]],
    [
      1,
      [
        "CLOSED",
        "PORT_IN_USE",
        "HOME_UNUSABLE",
        "NO_CRYPTO",
        "NO_SQLITE",
        "STORE_UNUSABLE",
        "LIMIT_REACHED",
        "INTERNAL",
      ],
    ],
  ];

  it.each(promised)("answers %i for its codes", (exitCode, codes) => {
    expect(codes.map(exitCodeOf)).toEqual(codes.map(() => exitCode));
  });

  it("keeps the promised numbers", () => {
    expect(EXIT).toEqual({
      done: 0,
      internal: 1,
      usage: 2,
      nobody: 3,
      notDelivered: 4,
      refused: 5,
      daemon: 6,
      interrupted: 130,
    });
  });
});
