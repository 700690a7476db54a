import { describe, expect, it } from "vitest";
import {
  MAX_PLAIN_BYTES,
  PlainTextReader,
  plainBytes,
  readPlainText,
} from "../../../src/messenger/plainText.js";
import type { LanDatagram } from "../../../src/net/lan.js";
import { encodeUtf8 } from "../../../src/wire/cursor.js";

function datagram(text: string, address = "10.0.0.5"): LanDatagram {
  return { bytes: encodeUtf8(text), from: { address, port: 9 }, onLink: true, via: "data" };
}

describe("readPlainText", () => {
  it("takes strict UTF-8 without its last newline", () => {
    expect(readPlainText(encodeUtf8("héllo\n"))).toBe("héllo");
    expect(readPlainText(encodeUtf8("two\r\n\r\n"))).toBe("two\r\n");
    expect(readPlainText(encodeUtf8("\n"))).toBeUndefined();
    expect(readPlainText(new Uint8Array(0))).toBeUndefined();
    expect(readPlainText(Uint8Array.of(0xc3))).toBeUndefined();
    expect(readPlainText(new Uint8Array(MAX_PLAIN_BYTES).fill(0x61))).toHaveLength(MAX_PLAIN_BYTES);
    expect(readPlainText(new Uint8Array(MAX_PLAIN_BYTES + 1).fill(0x61))).toBeUndefined();
  });
});

describe("plainBytes", () => {
  it("takes what one datagram holds", () => {
    expect(plainBytes("x".repeat(MAX_PLAIN_BYTES))).toHaveLength(MAX_PLAIN_BYTES);
    const code = (text: string): unknown => {
      try {
        return plainBytes(text);
      } catch (error) {
        return error instanceof Error && "code" in error ? error.code : error;
      }
    };
    expect(code("x".repeat(MAX_PLAIN_BYTES + 1))).toBe("MESSAGE_TOO_LARGE");
    expect(code("")).toBe("INVALID_ARGUMENT");
  });
});

describe("PlainTextReader", () => {
  it("limits what one address may send, and only that one", () => {
    const reader = new PlainTextReader();
    let shown = 0;
    for (let count = 0; count < 300; count += 1) {
      if (reader.read(1000, datagram("x")) !== undefined) shown += 1;
    }
    expect(shown).toBe(200);
    expect(reader.dropped).toBe(100);
    expect(reader.read(1000, datagram("y", "10.0.0.6"))).toBe("y");
    expect(reader.read(1010, datagram("later"))).toBe("later");
  });
});
