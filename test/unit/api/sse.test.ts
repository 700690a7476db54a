import { describe, expect, it } from "vitest";
import { type SseEvent, SseParser } from "../../../src/api/sse.js";

const encoder = new TextEncoder();
const TEXT = [
  ": hello\n",
  'id: x-1\nevent: message\ndata: {"text":"grüß 👋"}\n\n',
  "data: two\r\ndata: lines\r\n\r\n",
  "event:gap\rdata:no space\r\r",
  "retry: 5\nevent: lost\n\n",
  "id\ndata: id is cleared\n\n",
].join("");
const EXPECTED: SseEvent[] = [
  { id: "x-1", event: "message", data: '{"text":"grüß 👋"}' },
  { id: "x-1", event: "message", data: "two\nlines" },
  { id: "x-1", event: "gap", data: "no space" },
  { id: "", event: "message", data: "id is cleared" },
];

describe("SseParser", () => {
  it("reads the same events wherever two cuts fall", () => {
    const bytes = encoder.encode(TEXT);
    for (let first = 0; first <= bytes.length; first += 1) {
      for (const second of [first, Math.min(first + 1, bytes.length), bytes.length]) {
        const parser = new SseParser();
        const events = [
          ...parser.push(bytes.subarray(0, first)),
          ...parser.push(bytes.subarray(first, second)),
          ...parser.push(bytes.subarray(second)),
        ];
        expect(events, `cut at ${first} and ${second}`).toEqual(EXPECTED);
      }
    }
  });

  it("reads one byte at a time", () => {
    const parser = new SseParser();
    const events = [...encoder.encode(TEXT)].flatMap((byte) => parser.push(Uint8Array.of(byte)));
    expect(events).toEqual(EXPECTED);
  });

  it.each(["data\n", "data:\r\n"])("refuses empty lines of %j without an end", (line) => {
    const parser = new SseParser();
    const chunk = encoder.encode(line.repeat(65_536));
    expect(() => {
      for (let count = 0; count < 64; count += 1) parser.push(chunk);
    }).toThrow(RangeError);
  });

  it.each(["data: ", "event: ", "id: ", "unknown: ", ""])(
    "refuses an event of %j that never ends",
    (field) => {
      const parser = new SseParser();
      const chunk = encoder.encode(`${field}${"x".repeat(65_536)}\n`);
      expect(() => {
        for (let count = 0; count < 64; count += 1) parser.push(chunk);
      }).toThrow(RangeError);
    },
  );

  it("takes comments without end, which keep a connection alive", () => {
    const parser = new SseParser();
    const chunk = encoder.encode(`:${"x".repeat(65_536)}\n`);
    for (let count = 0; count < 64; count += 1) expect(parser.push(chunk)).toEqual([]);
  });
});
