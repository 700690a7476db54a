import { describe, expect, it } from "vitest";
import {
  decodeUtf8,
  encodeUtf8,
  fromHex,
  Reader,
  toHex,
  varintBytes,
  Writer,
} from "../../../src/wire/cursor.js";
import fc from "../../support/fastCheck.js";
import { u53 } from "./datagrams.js";
import { expectMalformed } from "./malformed.js";

const TOP = Number.MAX_SAFE_INTEGER;

function varintHex(value: number): string {
  return toHex(new Writer(8).varint(value).finish());
}

describe("a writer", () => {
  it.each([
    ["u8", (writer: Writer) => writer.u8(1)],
    ["u16", (writer: Writer) => writer.u16(1)],
    ["u32", (writer: Writer) => writer.u32(1)],
    ["bytes", (writer: Writer) => writer.bytes(new Uint8Array(1))],
    ["zeros", (writer: Writer) => writer.zeros(1)],
  ])("never writes past its end: %s", (_name, write) => {
    for (const full of [new Writer(3).zeros(3), new Writer(600).zeros(9).restart(3).zeros(3)]) {
      expect(full.remainingBytes).toBe(0);
      expect(() => write(full)).toThrow(RangeError);
      expect(full.lengthBytes).toBe(3);
    }
  });

  it("starts afresh, and never gets more room than it has", () => {
    const writer = new Writer(4).u32(0xffff_ffff).restart(9);
    expect(writer.remainingBytes).toBe(4);
    expect(toHex(writer.u16(0xabcd).finish())).toBe("abcd");
  });

  it("writes whole numbers of every width, the highest too", () => {
    const writer = new Writer(15).u8(0xff).u16(0xfffe).u32(0xffff_fffd).u64(TOP);
    expect(toHex(writer.finish())).toBe("fffffefffffffd001fffffffffffff");
    const reader = new Reader(writer.finish());
    expect([reader.u8(), reader.u16(), reader.u32(), reader.u64()]).toEqual([
      0xff,
      0xfffe,
      0xffff_fffd,
      TOP,
    ]);
  });
});

describe("varint", () => {
  // RFC 9000 appendix A.1. Its first example, 151288809941952652, is above 2^53: refused below.
  it.each([
    ["9d7f3e7d", 494_878_333],
    ["7bbd", 15_293],
    ["25", 37],
  ])("reads and writes the RFC 9000 example %s", (hex, value) => {
    expect(new Reader(fromHex(hex)).varint()).toBe(value);
    expect(varintHex(value)).toBe(hex);
  });

  it("reads the longer form of a small number", () => {
    expect(new Reader(fromHex("4025")).varint()).toBe(37);
  });

  it("refuses the RFC 9000 example that a number cannot hold", () => {
    expectMalformed(() => new Reader(fromHex("c2197c5eff14e88c")).varint(), "2^53");
  });

  it.each([
    [0, "00"],
    [63, "3f"],
    [64, "4040"],
    [16_383, "7fff"],
    [16_384, "80004000"],
    [2 ** 30 - 1, "bfffffff"],
    [2 ** 30, "c000000040000000"],
    [2 ** 32, "c000000100000000"],
    [TOP, "c01fffffffffffff"],
  ])("writes %d in its shortest form", (value, hex) => {
    expect(varintHex(value)).toBe(hex);
    expect(varintBytes(value)).toBe(hex.length / 2);
    expect(new Reader(fromHex(hex)).varint()).toBe(value);
  });

  it("refuses 2^53", () => {
    expectMalformed(() => new Reader(fromHex("c020000000000000")).varint(), "2^53");
  });

  it("returns what was written, whatever stands behind it", () => {
    fc.assert(
      fc.property(u53, fc.uint8Array({ maxLength: 5 }), (value, behind) => {
        const writer = new Writer(16).varint(value).bytes(behind);
        expect(writer.lengthBytes).toBe(varintBytes(value) + behind.length);
        const reader = new Reader(writer.finish());
        expect(reader.varint()).toBe(value);
        expect(reader.remainingBytes).toBe(behind.length);
      }),
    );
  });
});

describe("fixed-width numbers", () => {
  it("are big-endian", () => {
    const bytes = new Writer(15).u8(1).u16(0x0203).u32(0x0405_0607).u64(0x08_090a_0b0c).finish();
    expect(toHex(bytes)).toBe("01" + "0203" + "04050607" + "00000008090a0b0c");
    const reader = new Reader(bytes);
    expect([reader.u8(), reader.u16(), reader.u32(), reader.u64()]).toEqual([
      1, 0x0203, 0x0405_0607, 0x08_090a_0b0c,
    ]);
  });

  it("reads u64 up to 2^53 - 1 and refuses more", () => {
    expect(new Reader(fromHex("001fffffffffffff")).u64()).toBe(TOP);
    expectMalformed(() => new Reader(fromHex("0020000000000000")).u64(), "2^53");
    expectMalformed(() => new Reader(fromHex("ffffffffffffffff")).u64(), "2^53");
  });

  it("writes u64 limits", () => {
    expect(toHex(new Writer(8).u64(TOP).finish())).toBe("001fffffffffffff");
    expect(toHex(new Writer(8).u64(2 ** 32).finish())).toBe("0000000100000000");
    expect(toHex(new Writer(8).u64(0).finish())).toBe("0000000000000000");
  });
});

describe("Reader", () => {
  it("refuses to read past the end, by every method", () => {
    const reads: ((reader: Reader) => unknown)[] = [
      (reader) => reader.u8(),
      (reader) => reader.u16(),
      (reader) => reader.u32(),
      (reader) => reader.u64(),
      (reader) => reader.varint(),
      (reader) => reader.bytes(1),
      (reader) => reader.hex(1),
      (reader) => reader.shortBytes(),
      (reader) => reader.skip(1),
    ];
    for (const read of reads) expectMalformed(() => read(new Reader(new Uint8Array(0))));
    expectMalformed(() => new Reader(Uint8Array.of(2, 1)).shortBytes(), "truncated");
    expectMalformed(() => new Reader(Uint8Array.of(0x80, 0, 0)).varint(), "truncated");
  });

  it("tells trailing bytes", () => {
    const reader = new Reader(Uint8Array.of(1, 2));
    reader.skip(1);
    expectMalformed(() => reader.end(), "trailing");
    expect(reader.rest()).toEqual(Uint8Array.of(2));
    reader.end();
  });
});

describe("Writer", () => {
  it("throws RangeError past its capacity", () => {
    expect(() => new Writer(1).u16(1)).toThrow(RangeError);
    expect(() => new Writer(1).bytes(new Uint8Array(2))).toThrow(RangeError);
    expect(() => new Writer(400).shortBytes(new Uint8Array(256))).toThrow(RangeError);
  });

  it("counts what is left", () => {
    const writer = new Writer(10).u32(1).zeros(2);
    expect([writer.lengthBytes, writer.remainingBytes]).toEqual([6, 4]);
    expect(toHex(writer.finish())).toBe("000000010000");
  });

  it("finishes with a view that later writes do not move", () => {
    const writer = new Writer(4).u8(1);
    const early = writer.finish();
    writer.u8(2);
    expect(early).toEqual(Uint8Array.of(1));
  });
});

describe("UTF-8", () => {
  it.each([
    ["an overlong slash", "c0af"],
    ["a surrogate", "eda080"],
    ["above U+10FFFF", "f4908080"],
    ["a lone continuation", "80"],
    ["a cut character", "e282"],
    ["the magic byte", "f9"],
  ])("refuses %s", (_what, hex) => {
    expectMalformed(() => decodeUtf8(fromHex(hex)), "UTF-8");
  });

  it("keeps a byte order mark and NUL", () => {
    expect(decodeUtf8(fromHex("efbbbf6100"))).toBe("\uFEFFa\0");
  });

  it("returns every well-formed text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(decodeUtf8(encodeUtf8(text))).toBe(text);
      }),
    );
  });

  it("decodes after a refusal as if nothing had been", () => {
    expectMalformed(() => decodeUtf8(fromHex("e282")));
    expect(decodeUtf8(fromHex("61"))).toBe("a");
  });
});

describe("hexadecimal", () => {
  it("is lower-case and reversible, from a view too", () => {
    const bytes = Uint8Array.of(0, 0xab, 0xcd, 0xff).subarray(1, 3);
    expect(toHex(bytes)).toBe("abcd");
    expect(fromHex("abcd")).toEqual(Uint8Array.of(0xab, 0xcd));
  });
});
