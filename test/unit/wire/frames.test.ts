import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../src/wire/cursor.js";
import {
  type AckFrame,
  ackFrameBytes,
  type Frame,
  FrameType,
  fragmentOverheadBytes,
  Lane,
  messageFrameBytes,
  readFrames,
} from "../../../src/wire/frames.js";
import fc from "../../support/fastCheck.js";
import { encodeFrames, frame } from "./datagrams.js";
import { expectMalformed } from "./malformed.js";

function readHex(hex: string): Frame[] {
  return readFrames(fromHex(hex));
}

describe("frames", () => {
  it("skips padding anywhere", () => {
    expect(readHex("0000010000")).toEqual([{ type: FrameType.ping }]);
    expect(readHex("")).toEqual([]);
  });

  it("refuses the whole payload for one unknown or broken frame", () => {
    expectMalformed(() => readHex("0107"), "unknown frame");
    expectMalformed(() => readHex("01ff"), "unknown frame");
    expectMalformed(() => readHex("0106"), "truncated");
  });

  it("refuses unknown lanes", () => {
    expectMalformed(() => readHex("03040100" + "00"), "lane");
    expectMalformed(() => readHex("050401"), "lane");
  });

  it("refuses a base below 1", () => {
    expect(readHex("0300010000")).toHaveLength(1);
    expectMalformed(() => readHex("0300010100"), "position");
    expectMalformed(() => readHex("0300000000"), "position");
    expectMalformed(() => readHex("0300050600"), "position");
  });

  it("predicts its sizes, never too small", () => {
    fc.assert(
      fc.property(frame, (each) => {
        const sizeBytes = encodeFrames([each]).length;
        if (each.type === FrameType.ack) expect(ackFrameBytes(each)).toBe(sizeBytes);
        if (each.type === FrameType.message) {
          expect(messageFrameBytes(each, each.record.length)).toBe(sizeBytes);
        }
        if (each.type === FrameType.fragment) {
          const overheadBytes = fragmentOverheadBytes(each, each.totalBytes);
          expect(overheadBytes + each.slice.length).toBeGreaterThanOrEqual(sizeBytes);
        }
      }),
    );
  });
});

describe("ACK", () => {
  const ack: AckFrame = {
    type: FrameType.ack,
    delayUs: 0,
    creditDatagrams: 4,
    ranges: [
      { first: 9, last: 10 },
      { first: 5, last: 7 },
      { first: 0, last: 0 },
    ],
  };

  it("writes the largest, then distances", () => {
    const bytes = encodeFrames([ack]);
    // type, delay, credit, count; 10 and 1 below; 9 - 7 and 2 below; 5 - 0 and 0 below.
    expect(toHex(bytes)).toBe("02000403" + "0a01" + "0202" + "0500");
    expect(readFrames(bytes)).toEqual([ack]);
  });

  it("refuses no range, more than 64, touching or overlapping ones, and below 0", () => {
    expectMalformed(() => readHex("02000400"), "range count");
    expect(readHex("02000440" + `7fff00${"0200".repeat(63)}`)).toHaveLength(1);
    expectMalformed(() => readHex("02000441" + `7fff00${"0200".repeat(64)}`), "range count");
    expectMalformed(() => readHex("02000402" + "0a01" + "0100"), "touch");
    expectMalformed(() => readHex("02000402" + "0a01" + "0000"), "touch");
    expectMalformed(() => readHex("02000401" + "0a0b"), "below 0");
    expectMalformed(() => readHex("02000402" + "0a01" + "0a00"), "below 0");
  });
});

describe("fragment", () => {
  const fragment: Frame = {
    type: FrameType.fragment,
    lane: Lane.ordered,
    sequence: 1,
    base: 1,
    totalBytes: 10,
    offset: 7,
    slice: Uint8Array.of(1, 2, 3),
  };

  it("may end exactly at the total and not beyond", () => {
    expect(readFrames(encodeFrames([fragment]))).toEqual([fragment]);
    expectMalformed(() => readFrames(encodeFrames([{ ...fragment, offset: 8 }])), "fragment");
    expectMalformed(() => readFrames(encodeFrames([{ ...fragment, offset: 99 }])), "fragment");
    const atTheTop = { ...fragment, offset: 2 ** 53 - 1, totalBytes: 2 ** 53 - 1 };
    expectMalformed(() => readFrames(encodeFrames([atTheTop])), "fragment");
  });

  it("is never empty", () => {
    const empty = { ...fragment, slice: new Uint8Array(0) };
    expectMalformed(() => readFrames(encodeFrames([empty])), "fragment");
  });
});
