import { describe, expect, it } from "vitest";
import { Writer } from "../../../src/wire/cursor.js";
import type { SequenceRange } from "../../../src/wire/group.js";
import { writeRanges } from "../../../src/wire/group.js";
import { decodeGroupSync, GroupSyncPurpose } from "../../../src/wire/groupSync.js";

const DEVICE = "ab".repeat(32);
const INCARNATION = "0d".repeat(8);

/** A question that names these parts of one incarnation of a device. */
function askOf(parts: readonly (readonly SequenceRange[])[]): Uint8Array {
  const writer = new Writer(1000).u8(GroupSyncPurpose.ask).u32(7).u8(0);
  writer.hex(DEVICE).u8(parts.length);
  for (const ranges of parts) writeRanges(writer.hex(INCARNATION).varint(1), ranges);
  return writer.finish();
}

describe("a stream in several parts", () => {
  it("is put together", () => {
    const parts = [[{ first: 1, last: 3 }], [{ first: 5, last: 5 }]];
    expect(decodeGroupSync(askOf(parts))).toMatchObject({
      streams: [{ device: DEVICE, incarnation: INCARNATION, ranges: parts.flat() }],
    });
  });

  it.each([
    ["that overlap", [[{ first: 1, last: 3 }], [{ first: 3, last: 5 }]]],
    ["that go back", [[{ first: 4, last: 5 }], [{ first: 1, last: 2 }]]],
    ["that are none", []],
  ])("%s is malformed", (_how, parts) => {
    expect(() => decodeGroupSync(askOf(parts))).toThrow(
      expect.objectContaining({ code: "MALFORMED_DATAGRAM" }),
    );
  });
});
