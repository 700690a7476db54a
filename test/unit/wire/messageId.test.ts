import { describe, expect, it } from "vitest";
import { messageId, messageIdParts } from "../../../src/wire/record.js";

const INCARNATION = "00112233445566ff";

describe("a message id", () => {
  it.each([0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER])("is taken apart again (%d)", (number) => {
    const id = messageId(INCARNATION, number);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(messageIdParts(id)).toEqual({ incarnation: INCARNATION, messageSequence: number });
  });

  it.each([
    ["nothing", ""],
    ["a part of one", INCARNATION],
    ["too long", `${messageId(INCARNATION, 1)}0`],
    ["of other letters", `${INCARNATION}000000000000000g`],
    ["of capitals", messageId(INCARNATION, 255).toUpperCase()],
    ["of a number that nobody counts to", `${INCARNATION}0020000000000000`],
  ])("that is %s is none", (_what, id) => {
    expect(() => messageIdParts(id)).toThrow(
      expect.objectContaining({ code: "MALFORMED_DATAGRAM" }),
    );
  });
});
