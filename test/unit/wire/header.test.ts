import { describe, expect, it } from "vitest";
import { DatagramType, SIGNATURE_BYTES } from "../../../src/wire/constants.js";
import { Writer } from "../../../src/wire/cursor.js";
import {
  datagramType,
  isOurs,
  readBody,
  readSignedBody,
  signatureOf,
  signedPart,
  withSignature,
  writeHeader,
} from "../../../src/wire/header.js";
import { expectMalformed } from "./malformed.js";

const leaveHeader = Uint8Array.of(0xf9, 1, DatagramType.leave, 0);

describe("header", () => {
  it("is magic, version, type and flags", () => {
    expect(writeHeader(new Writer(4), DatagramType.leave).finish()).toEqual(leaveHeader);
    expect(datagramType(leaveHeader)).toBe(DatagramType.leave);
  });

  it("tells ours from text by the first byte alone", () => {
    expect(isOurs(leaveHeader)).toBe(true);
    expect(isOurs(Uint8Array.of(0xf9))).toBe(true);
    expect(isOurs(new TextEncoder().encode("hello"))).toBe(false);
    expect(isOurs(new Uint8Array(0))).toBe(false);
  });

  it("has no type if too short, too long, or of another magic or version", () => {
    expect(datagramType(leaveHeader.subarray(0, 3))).toBeUndefined();
    const long = new Uint8Array(1201);
    long.set(leaveHeader);
    expect(datagramType(long)).toBeUndefined();
    expect(datagramType(long.subarray(0, 1200))).toBe(DatagramType.leave);
    expect(datagramType(Uint8Array.of(0xf8, 1, 2, 0))).toBeUndefined();
    expect(datagramType(Uint8Array.of(0xf9, 2, 2, 0))).toBeUndefined();
  });

  it("reports types that nobody knows yet, for counting", () => {
    expect(datagramType(Uint8Array.of(0xf9, 1, 0xee, 0))).toBe(0xee);
  });

  it("ignores the flags", () => {
    const flagged = Uint8Array.of(0xf9, 1, DatagramType.leave, 0xff, 7);
    expect(readBody(flagged, DatagramType.leave).u8()).toBe(7);
  });

  it("refuses a body of another type", () => {
    expectMalformed(() => readBody(leaveHeader, DatagramType.query), "type");
    const signed = withSignature(leaveHeader, new Uint8Array(SIGNATURE_BYTES));
    expectMalformed(() => readSignedBody(signed, DatagramType.query), "type");
  });
});

describe("signature", () => {
  const signature = new Uint8Array(SIGNATURE_BYTES).fill(9);
  const signed = withSignature(Uint8Array.of(...leaveHeader, 1, 2), signature);

  it("is the last 64 bytes and covers all before them", () => {
    expect(signedPart(signed)).toEqual(Uint8Array.of(...leaveHeader, 1, 2));
    expect(signatureOf(signed)).toEqual(signature);
  });

  it("is not part of the body", () => {
    const reader = readSignedBody(signed, DatagramType.leave);
    expect(reader.rest()).toEqual(Uint8Array.of(1, 2));
  });

  it("is missing from a datagram that has no room for it", () => {
    expectMalformed(() => signedPart(signed.subarray(0, 67)), "truncated");
    expect(signedPart(signed.subarray(0, 68))).toHaveLength(4);
  });
});
