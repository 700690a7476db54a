import { describe, expect, it } from "vitest";
import {
  MAX_DATAGRAM_BYTES,
  MAX_NAME_BYTES,
  MAX_RANGES,
  SIGNATURE_BYTES,
} from "../../../src/wire/constants.js";
import { toHex, Writer } from "../../../src/wire/cursor.js";
import {
  decodeGroupData,
  decodeGroupHeartbeat,
  decodeGroupNack,
  encodeGroupData,
  encodeGroupHeartbeat,
  encodeGroupNack,
  GROUP_ENTRIES_BYTES,
  GROUP_ENTRY_OVERHEAD_BYTES,
  GROUP_SEAL_OVERHEAD_BYTES,
  type GroupData,
  type GroupHeartbeat,
  type GroupNack,
  groupEntriesBytes,
  groupEntryOverheadBytes,
  senderBytes,
} from "../../../src/wire/group.js";
import { withSignature } from "../../../src/wire/header.js";
import { extension } from "./datagrams.js";
import { expectMalformed } from "./malformed.js";

const filler = new Uint8Array(SIGNATURE_BYTES);
const who = { device: "11".repeat(32), incarnation: "22".repeat(8) };
const data: GroupData = {
  groupId: "44".repeat(8),
  ...who,
  sequence: 1,
  name: "alice",
  entries: [
    {
      messageSequence: 1,
      sentAtMs: 2,
      hlc: 2,
      continues: false,
      continued: false,
      body: Uint8Array.of(65),
    },
  ],
};
const heartbeat: GroupHeartbeat = {
  groupId: "44".repeat(8),
  ...who,
  sequence: 3,
  startedAtMs: 1_700_000_000_000,
  hello: true,
  leaving: false,
  wantsCopies: false,
  digest: "00".repeat(8),
  lead: 7,
  trail: 4,
  intervalMs: 30_000,
  dataPort: 22_400,
  name: "alice",
};
const nack: GroupNack = {
  groupId: "44".repeat(8),
  ...who,
  sequence: 5,
  of: { device: "55".repeat(32), incarnation: "66".repeat(8) },
  missing: [
    { first: 2, last: 4 },
    { first: 9, last: 9 },
  ],
};

const readData = (value: GroupData) =>
  decodeGroupData(withSignature(encodeGroupData(value), filler));
const readHeartbeat = (value: GroupHeartbeat) =>
  decodeGroupHeartbeat(withSignature(encodeGroupHeartbeat(value), filler));
const readNack = (value: GroupNack) =>
  decodeGroupNack(withSignature(encodeGroupNack(value), filler));

describe("group data", () => {
  it("fills a datagram exactly with the longest name and one entry of the longest header", () => {
    const top = Number.MAX_SAFE_INTEGER;
    const entry = (sizeBytes: number) => ({
      messageSequence: top,
      sentAtMs: top,
      hlc: top,
      continues: true,
      continued: false,
      body: new Uint8Array(sizeBytes),
    });
    const longest = { ...data, name: "x".repeat(MAX_NAME_BYTES) };
    const fullBytes = GROUP_ENTRIES_BYTES - GROUP_ENTRY_OVERHEAD_BYTES;
    const full = { ...longest, entries: [entry(fullBytes)] };
    const bytes = withSignature(encodeGroupData(full), filler);
    expect(bytes).toHaveLength(MAX_DATAGRAM_BYTES);
    expect(decodeGroupData(bytes)).toEqual(full);
    const tooLong = { ...longest, entries: [entry(fullBytes + 1)] };
    expect(() => encodeGroupData(tooLong)).toThrow(RangeError);
  });

  it.each([
    { name: "alex", secret: false },
    { name: "žofie", secret: true },
  ])("tells exactly how much goes into a datagram of $name", ({ name, secret }) => {
    const numbers = { messageSequence: 300, sentAtMs: 1_700_000_000_000, hlc: 2 ** 50 };
    const line = { ...numbers, continues: false, continued: false };
    const sizes = [10, 63, 64, 200];
    const roomBytes = sizes.reduce(
      (left, bytes) => left - bytes - groupEntryOverheadBytes(numbers, bytes),
      groupEntriesBytes(name, secret),
    );
    const lastBytes = roomBytes - groupEntryOverheadBytes(numbers, roomBytes);
    const bodies = [...sizes, lastBytes].map((bytes) => new Uint8Array(bytes));
    const full = { ...data, name, entries: bodies.map((body) => ({ ...line, body })) };
    const bytes = withSignature(encodeGroupData(full), filler);
    const sealBytes = secret ? GROUP_SEAL_OVERHEAD_BYTES : 0;
    expect(bytes.length + sealBytes).toBe(MAX_DATAGRAM_BYTES);
  });

  it("shows who says it before it is read", () => {
    const bytes = withSignature(encodeGroupData(data), filler);
    expect(toHex(senderBytes(bytes))).toBe(data.device + data.incarnation);
    expect(senderBytes(bytes.subarray(0, 20)).length).toBeLessThan(40);
  });

  it("refuses sequence 0, no entries, and an entry longer than the datagram", () => {
    expectMalformed(() => readData({ ...data, sequence: 0 }), "sequence 0");
    expectMalformed(() => readData({ ...data, entries: [] }), "no entries");
    const bytes = encodeGroupData(data);
    bytes[bytes.length - 2] = 2;
    expectMalformed(() => decodeGroupData(withSignature(bytes, filler)), "truncated");
  });
});

describe("group heartbeat", () => {
  it("accepts a trail up to one above the lead", () => {
    expect(readHeartbeat({ ...heartbeat, lead: 0, trail: 1 }).trail).toBe(1);
    expect(readHeartbeat({ ...heartbeat, lead: 7, trail: 8 }).trail).toBe(8);
    expectMalformed(() => readHeartbeat({ ...heartbeat, lead: 7, trail: 9 }), "trail");
  });

  it("keeps its three flags apart and ignores others", () => {
    expect(readHeartbeat({ ...heartbeat, hello: false, leaving: true })).toMatchObject({
      hello: false,
      leaving: true,
      wantsCopies: false,
    });
    expect(readHeartbeat({ ...heartbeat, hello: false, wantsCopies: true })).toMatchObject({
      hello: false,
      leaving: false,
      wantsCopies: true,
    });
    const bytes = encodeGroupHeartbeat(heartbeat);
    bytes[4 + 8 + 40 + 8 + 8] = 0xf9;
    expect(decodeGroupHeartbeat(withSignature(bytes, filler))).toEqual(heartbeat);
  });

  it("skips extensions, and refuses port 0 and a name of 33 bytes", () => {
    const body = encodeGroupHeartbeat(heartbeat).subarray(0, -1);
    const extended = Uint8Array.of(...body, ...extension(40));
    expect(decodeGroupHeartbeat(withSignature(extended, filler))).toEqual(heartbeat);
    expectMalformed(() => readHeartbeat({ ...heartbeat, dataPort: 0 }), "port");
    expectMalformed(() => readHeartbeat({ ...heartbeat, name: "n".repeat(33) }), "name");
  });
});

describe("group NACK", () => {
  it("carries up to 64 ranges", () => {
    const missing = Array.from({ length: MAX_RANGES + 1 }, (_, i) => ({
      first: 3 * i + 1,
      last: 3 * i + 2,
    }));
    const most = missing.slice(0, MAX_RANGES);
    expect(readNack({ ...nack, missing: most }).missing).toEqual(most);
    expectMalformed(() => readNack({ ...nack, missing }), "range count");
    expectMalformed(() => readNack({ ...nack, missing: [] }), "range count");
  });

  it("refuses sequence 0 and overlapping ranges", () => {
    expectMalformed(() => readNack({ ...nack, missing: [{ first: 0, last: 3 }] }), "overlap");
    const overlapping = [
      { first: 2, last: 4 },
      { first: 4, last: 9 },
    ];
    expectMalformed(() => readNack({ ...nack, missing: overlapping }), "overlap");
  });

  it("refuses numbers beyond 2^53", () => {
    const head = encodeGroupNack({ ...nack, missing: [] }).subarray(0, -1);
    const top = Number.MAX_SAFE_INTEGER;
    const ranges = new Writer(40).u8(1).varint(top).varint(top).finish();
    const bytes = withSignature(Uint8Array.of(...head, ...ranges), filler);
    expectMalformed(() => decodeGroupNack(bytes), "2^53");
  });

  it("refuses trailing bytes", () => {
    const longer = Uint8Array.of(...encodeGroupNack(nack), 0);
    expectMalformed(() => decodeGroupNack(withSignature(longer, filler)), "trailing");
  });
});
