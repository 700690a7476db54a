/** What a reader of version 1 does with what a later one writes: PROTOCOL.md section 8. */
import { describe, expect, it } from "vitest";
import {
  DatagramType,
  MAGIC,
  MAX_DATAGRAM_BYTES,
  SIGNATURE_BYTES,
} from "../../../src/wire/constants.js";
import { encodeUtf8 } from "../../../src/wire/cursor.js";
import { decodeProbe, encodeProbe } from "../../../src/wire/examination.js";
import { FrameType, readFrames } from "../../../src/wire/frames.js";
import {
  decodeGroupData,
  decodeGroupHeartbeat,
  decodeGroupNack,
  decodeSealedGroup,
  encodeGroupData,
  encodeGroupHeartbeat,
  encodeGroupNack,
  encodeGroupSealHeader,
} from "../../../src/wire/group.js";
import {
  decodeGroupKeyNote,
  encodeGroupKeyNote,
  GroupKeyPurpose,
} from "../../../src/wire/groupKeyNote.js";
import {
  decodeGroupSync,
  encodeGroupSync,
  type GroupSync,
  GroupSyncPurpose,
} from "../../../src/wire/groupSync.js";
import { datagramType, versionAfterOurs, withSignature } from "../../../src/wire/header.js";
import {
  type Beacon,
  decodeAnswer,
  decodeBeacon,
  decodeLeave,
  decodeQuery,
  encodeAnswer,
  encodeBeacon,
  encodeLeave,
  encodeQuery,
} from "../../../src/wire/presence.js";
import { decodeReceipt, encodeReceipt } from "../../../src/wire/receipt.js";
import { decodeRecord, encodeRecord, RecordKind, ReplyStatus } from "../../../src/wire/record.js";
import {
  decodeClaims,
  decodeCookie,
  decodeHandshakeFinish,
  decodeHandshakeInit,
  decodeHandshakeResponse,
  decodeReset,
  decodeSealedHeader,
  encodeClaims,
  encodeCookie,
  encodeHandshakeFinish,
  encodeHandshakeInit,
  encodeHandshakeResponse,
  encodeReset,
  encodeSealedHeader,
} from "../../../src/wire/session.js";
import {
  LATER_TYPES,
  laterDatagrams,
  laterVersionOf,
  PASSED_OVER_FLAGS,
} from "../../support/laterVersion.js";
import { SeededRandom } from "../../support/seededRandom.js";
import { expectMalformed } from "./malformed.js";

const who = { device: "11".repeat(32), incarnation: "22".repeat(8) };
const groupId = "44".repeat(8);
const body = encodeUtf8("line");
const beacon: Beacon = {
  ...who,
  sequence: 1,
  startedAtMs: 2,
  intervalMs: 12_500,
  dataPort: 22_400,
  groups: [{ groupId, digest: "33".repeat(8) }],
  name: "alice",
};
const answer = { nonce: "66".repeat(8), heldUs: 5, announces: false, beacon };
const heartbeat = {
  groupId,
  ...who,
  sequence: 3,
  startedAtMs: 1,
  hello: false,
  leaving: false,
  wantsCopies: false,
  digest: "00".repeat(8),
  lead: 7,
  trail: 4,
  intervalMs: 30_000,
  dataPort: 22_400,
  name: "alice",
};
const claims = { ...who, dataPort: 1, creditDatagrams: 2, announces: false, name: "alice" };
const note = {
  purpose: GroupKeyPurpose.rotation,
  groupId,
  label: "#ops",
  epoch: 1,
  key: "5e".repeat(32),
  by: "11".repeat(32),
  removed: [],
  signature: new Uint8Array(SIGNATURE_BYTES),
  proofKeyId: "01".repeat(8),
  proof: new Uint8Array(16),
};
const entry = { messageSequence: 1, sentAtMs: 2, hlc: 3, continues: false, continued: false, body };
const data = { groupId, ...who, sequence: 1, name: "alice", entries: [entry] };
const nack = { groupId, ...who, sequence: 5, of: who, missing: [{ first: 2, last: 4 }] };
const query = {
  nonce: "66".repeat(8),
  incarnation: "22".repeat(8),
  dataPort: 22_400,
  direct: false,
  peersKnown: 3,
  known: new Uint8Array(0),
};
const record = { incarnation: "22".repeat(8), messageSequence: 1, sentAtMs: 2, body };

function signed(unsigned: Uint8Array): Uint8Array {
  return withSignature(unsigned, new Uint8Array(SIGNATURE_BYTES));
}

const asIs = (bytes: Uint8Array): Uint8Array => bytes;

describe("an extension field", () => {
  const formats: [
    string,
    Uint8Array,
    unknown,
    (bytes: Uint8Array) => unknown,
    (bytes: Uint8Array) => Uint8Array,
  ][] = [
    ["BEACON", encodeBeacon(beacon), beacon, decodeBeacon, signed],
    ["ANSWER", encodeAnswer(answer), answer, decodeAnswer, signed],
    ["HEARTBEAT", encodeGroupHeartbeat(heartbeat), heartbeat, decodeGroupHeartbeat, signed],
    ["claims", encodeClaims(claims), claims, decodeClaims, asIs],
    ["key note", encodeGroupKeyNote(note), note, decodeGroupKeyNote, asIs],
  ];

  it.each(formats)("of 0 to 255 bytes is skipped in %s", (_, bytes, value, decode, whole) => {
    const start = bytes.subarray(0, -1);
    for (let sizeBytes = 0; sizeBytes <= 255; sizeBytes += 1) {
      // No run of fields, whatever it holds: nobody of version 1 looks inside.
      const content = new Uint8Array(sizeBytes).fill(0xee);
      const extended = Uint8Array.of(...start, sizeBytes, ...content);
      expect(decode(whole(extended)), `${sizeBytes} bytes`).toEqual(value);
      expectMalformed(() => decode(whole(Uint8Array.of(...extended, 0))), "trailing");
      if (sizeBytes > 0)
        expectMalformed(() => decode(whole(extended.subarray(0, -1))), "truncated");
    }
  });
});

describe("unknown flags", () => {
  const init = {
    senderIndex: 1,
    suite: 1,
    cookie: new Uint8Array(0),
    message: new Uint8Array(32),
  };
  const sealHeader = { groupId, keyId: "01".repeat(8), nonce: new Uint8Array(24) };
  const datagrams: [string, Uint8Array, (bytes: Uint8Array) => unknown][] = [
    ["BEACON", signed(encodeBeacon(beacon)), decodeBeacon],
    ["LEAVE", signed(encodeLeave({ ...who, sequence: 1 })), decodeLeave],
    ["QUERY", encodeQuery(query), decodeQuery],
    ["ANSWER", signed(encodeAnswer(answer)), decodeAnswer],
    ["INIT", encodeHandshakeInit(init), decodeHandshakeInit],
    [
      "RESPONSE",
      encodeHandshakeResponse({ senderIndex: 1, receiverIndex: 2, message: body }),
      decodeHandshakeResponse,
    ],
    ["FINISH", encodeHandshakeFinish({ receiverIndex: 2, message: body }), decodeHandshakeFinish],
    ["COOKIE", encodeCookie({ receiverIndex: 1, cookie: new Uint8Array(16) }), decodeCookie],
    ["SEALED", encodeSealedHeader({ receiverIndex: 1, counter: 2 }), decodeSealedHeader],
    ["RESET", encodeReset({ receiverIndex: 1, counter: 2 }), decodeReset],
    ["GROUP DATA", signed(encodeGroupData(data)), decodeGroupData],
    ["GROUP HEARTBEAT", signed(encodeGroupHeartbeat(heartbeat)), decodeGroupHeartbeat],
    ["GROUP NACK", signed(encodeGroupNack(nack)), decodeGroupNack],
    [
      "GROUP SEALED",
      encodeGroupSealHeader(sealHeader),
      (bytes) => ({ ...decodeSealedGroup(bytes), header: undefined }),
    ],
    ["PROBE", encodeProbe({ token: "01".repeat(8), sizeBytes: 16 }), decodeProbe],
  ];

  it("are tried in the header of every type", () => {
    const tried = new Set(datagrams.map(([, bytes]) => datagramType(bytes)));
    expect(tried).toEqual(new Set(Object.values(DatagramType)));
  });

  it.each(datagrams)("in the header of %s are ignored", (_, bytes, decode) => {
    const value = decode(bytes);
    for (let flags = 1; flags < 256; flags += 1) {
      const changed = Uint8Array.from(bytes);
      changed[3] = flags;
      expect(decode(changed)).toEqual(value);
    }
  });

  /** Where a flags byte is, which bits of it version 1 knows, and how it is read. */
  const sync: GroupSync = {
    purpose: GroupSyncPurpose.ask,
    request: 1,
    partial: false,
    streams: [],
  };
  const syncData: GroupSync = {
    purpose: GroupSyncPurpose.data,
    request: 1,
    index: 0,
    last: false,
    looked: 0,
    datagrams: [],
  };
  const inside: [string, number, number, Uint8Array, (bytes: Uint8Array) => unknown][] = [
    ["QUERY", 22, 0x01, encodeQuery(query), decodeQuery],
    ["ANSWER", 16, 0x01, signed(encodeAnswer(answer)), decodeAnswer],
    ["HEARTBEAT", 68, 0x07, signed(encodeGroupHeartbeat(heartbeat)), decodeGroupHeartbeat],
    ["claims", 44, 0x01, encodeClaims(claims), decodeClaims],
    ["an ask", 5, 0x01, encodeGroupSync(sync), decodeGroupSync],
    ["sync data", 6, 0x01, encodeGroupSync(syncData), decodeGroupSync],
    // Those that make version 1 pass the entry over are below.
    ["an entry", 66, 0xf3, signed(encodeGroupData(data)), decodeGroupData],
  ];

  it.each(inside)("inside %s are ignored", (_, at, known, bytes, decode) => {
    const value = decode(bytes);
    expect(bytes[at]).toBe(0);
    for (let flags = 1; flags < 256; flags += 1) {
      const changed = Uint8Array.from(bytes);
      changed[at] = flags;
      if ((flags & known) === 0) expect(decode(changed)).toEqual(value);
      else expect(decode(changed)).not.toEqual(value);
    }
  });

  it("of an entry, the four highest, tell that it is no line of ours", () => {
    const bytes = signed(encodeGroupData(data));
    expect(PASSED_OVER_FLAGS).toHaveLength(240);
    for (const flags of PASSED_OVER_FLAGS) {
      bytes[66] = flags;
      expect(decodeGroupData(bytes).entries[0]).toMatchObject({ unknown: true, body });
    }
  });
});

describe("padding", () => {
  it("may hold anything, and more of it", () => {
    const random = new SeededRandom(1);
    const never = (): never => {
      throw new Error("nothing here is signed");
    };
    const reset = encodeReset({ receiverIndex: 1, counter: 2 });
    for (let i = 0; i < 50; i += 1) {
      expect(decodeQuery(laterVersionOf(encodeQuery(query), never, random))).toEqual(query);
      expect(decodeReset(laterVersionOf(reset, never, random))).toEqual(decodeReset(reset));
    }
  });
});

describe("what only a later version has", () => {
  it("is known as another version by its first two bytes, whatever follows", () => {
    for (let version = 0; version < 256; version += 1) {
      for (const bytes of [
        [MAGIC, version],
        [MAGIC, version, 0x01, 0, ...body],
      ]) {
        const later = version > 1 ? version : undefined;
        expect(versionAfterOurs(Uint8Array.from(bytes))).toBe(later);
      }
      if (version !== 1) {
        expect(datagramType(Uint8Array.of(MAGIC, version, 0x01, 0))).toBeUndefined();
      }
      expect(versionAfterOurs(Uint8Array.of(0x41, version))).toBeUndefined();
    }
    expect(versionAfterOurs(Uint8Array.of(MAGIC))).toBeUndefined();
    expect(versionAfterOurs(new Uint8Array(0))).toBeUndefined();
  });

  it("is none of our types, or too long, or of a suite that is not ours", () => {
    const ours = new Set<number | undefined>(Object.values(DatagramType));
    let suites = 0;
    for (const bytes of laterDatagrams(new SeededRandom(2))) {
      const type = datagramType(bytes);
      if (type === DatagramType.handshakeInit) {
        expect(decodeHandshakeInit(bytes).suite).toBeGreaterThan(1);
        suites += 1;
      } else expect(ours.has(type)).toBe(false);
      if (bytes.length > MAX_DATAGRAM_BYTES) expect(type).toBeUndefined();
    }
    expect(suites).toBe(254);
    expect(LATER_TYPES).toHaveLength(256 - ours.size);
  });

  it("breaks a packet as a frame, whole", () => {
    const known = new Set<number>(Object.values(FrameType));
    for (let type = 0; type < 256; type += 1) {
      if (known.has(type)) continue;
      expectMalformed(() => readFrames(Uint8Array.of(FrameType.ping, type)), "unknown frame");
    }
    for (let lane = 4; lane < 256; lane += 1) {
      const advance = Uint8Array.of(FrameType.advance, lane, 1);
      expectMalformed(() => readFrames(advance), "unknown lane");
    }
    for (let reason = 0; reason < 256; reason += 1) {
      const close = { type: FrameType.close, reason };
      expect(readFrames(Uint8Array.of(FrameType.close, reason))).toEqual([close]);
    }
  });

  it("cannot be read as a record, a key note, a receipt or a sync", () => {
    const text = encodeRecord({ kind: RecordKind.text, ...record });
    const receipt = encodeReceipt({ status: "read", messageIds: ["ab".repeat(16)] });
    const sync = encodeGroupSync({ purpose: GroupSyncPurpose.busy, request: 1 });
    const formats: [Uint8Array, readonly number[], (bytes: Uint8Array) => unknown][] = [
      [text, Object.values(RecordKind), decodeRecord],
      [encodeGroupKeyNote(note), Object.values(GroupKeyPurpose), decodeGroupKeyNote],
      [receipt, [1], decodeReceipt],
      [sync, Object.values(GroupSyncPurpose), decodeGroupSync],
    ];
    for (const [bytes, known, decode] of formats) {
      for (let value = 0; value < 256; value += 1) {
        if (known.includes(value)) continue;
        const changed = Uint8Array.from(bytes);
        changed[0] = value;
        expectMalformed(() => decode(changed), "unknown");
      }
    }
  });

  it("is a failure as the status of a reply: nobody waits for another one", () => {
    const status = ReplyStatus.ok;
    const nothing = new Uint8Array(0);
    const reply = { kind: RecordKind.reply, ...record, requestSequence: 1, status, body: nothing };
    const bytes = encodeRecord(reply);
    for (let code = 0; code < 256; code += 1) {
      bytes[bytes.length - 1] = code;
      const known = Object.values<number>(ReplyStatus).includes(code);
      expect(decodeRecord(bytes)).toEqual({ ...reply, status: known ? code : ReplyStatus.failed });
    }
  });
});
