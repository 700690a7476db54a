import { describe, expect, it } from "vitest";
import { MAX_MESSAGE_BYTES } from "../../../src/wire/constants.js";
import { toHex } from "../../../src/wire/cursor.js";
import {
  decodeRecord,
  encodeRecord,
  MAX_RECORD_BYTES,
  messageId,
  RecordKind,
  type ReplyRecord,
  ReplyStatus,
} from "../../../src/wire/record.js";
import { expectMalformed } from "./malformed.js";

const top = Number.MAX_SAFE_INTEGER;
const reply: ReplyRecord = {
  kind: RecordKind.reply,
  incarnation: "22".repeat(8),
  messageSequence: top,
  sentAtMs: top,
  requestSequence: top,
  status: ReplyStatus.busy,
  body: new Uint8Array(MAX_MESSAGE_BYTES),
};

describe("record", () => {
  it("is at most MAX_RECORD_BYTES long, and reaches it", () => {
    const bytes = encodeRecord(reply);
    expect(bytes).toHaveLength(MAX_RECORD_BYTES);
    expect(decodeRecord(bytes)).toEqual(reply);
  });

  it.each([RecordKind.text, RecordKind.request, RecordKind.reply])(
    "refuses a body above 64 KiB in kind %d",
    (kind) => {
      const tooLarge = { ...reply, kind, body: new Uint8Array(MAX_MESSAGE_BYTES + 1) };
      expectMalformed(() => decodeRecord(encodeRecord(tooLarge)), "too large");
    },
  );

  it("has the incarnation of its author, whoever was read and written before", () => {
    const authors = ["00000001", "ffffffff"].flatMap((high) =>
      ["00000000", "0000000a", "80000000"].map((low) => high + low),
    );
    for (const incarnation of [...authors, ...authors.toReversed()]) {
      const bytes = encodeRecord({ ...reply, incarnation, body: new Uint8Array(0) });
      expect(toHex(bytes.subarray(1, 9))).toBe(incarnation);
      expect(decodeRecord(bytes).incarnation).toBe(incarnation);
      expect(decodeRecord(bytes).incarnation).toBe(incarnation);
    }
  });

  it("refuses unknown kinds", () => {
    const bytes = encodeRecord({ ...reply, body: new Uint8Array(0) });
    bytes[0] = 7;
    expectMalformed(() => decodeRecord(bytes), "unknown record");
  });

  it("has reply statuses numbered without a hole, which their table relies on", () => {
    expect(Object.values(ReplyStatus)).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe("messageId", () => {
  it("is 32 hexadecimal digits", () => {
    expect(messageId("0123456789abcdef", 255)).toBe("0123456789abcdef00000000000000ff");
    expect(messageId("0123456789abcdef", top)).toBe("0123456789abcdef001fffffffffffff");
  });
});
