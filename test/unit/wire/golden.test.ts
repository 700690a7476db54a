/**
 * Version 1 on the wire, byte for byte: test/fixtures/wire holds one example of every datagram,
 * frame and record. A second implementation can use them as test vectors.
 *
 * A difference here is a change of the protocol. If it is meant, write the files anew with
 * `UPDATE_GOLDEN=1 npx vitest run test/unit/wire/golden.test.ts` and review the diff.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { groupKeyOf } from "../../../src/crypto/groupSeal.js";
import { identityFromSeed, verifyEd25519 } from "../../../src/crypto/identity.js";
import { DatagramType } from "../../../src/wire/constants.js";
import { encodeUtf8, fromHex, toHex } from "../../../src/wire/cursor.js";
import {
  decodeExamination,
  decodeProbe,
  type Examination,
  ExaminationPurpose,
  encodeExamination,
  encodeProbe,
  ProbeWay,
} from "../../../src/wire/examination.js";
import { type Frame, FrameType, Lane, readFrames } from "../../../src/wire/frames.js";
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
  type GroupKeyNote,
  GroupKeyPurpose,
} from "../../../src/wire/groupKeyNote.js";
import {
  decodeGroupSync,
  decodeSyncGroup,
  decodeSyncSeal,
  encodeGroupSync,
  encodeOpenSync,
  encodeSealedSync,
  type GroupSync,
  GroupSyncPurpose,
  syncAssociatedData,
} from "../../../src/wire/groupSync.js";
import { datagramType, signatureOf, signedPart, withSignature } from "../../../src/wire/header.js";
import {
  decodeAnswer,
  decodeBeacon,
  decodeLeave,
  decodeQuery,
  encodeAnswer,
  encodeBeacon,
  encodeLeave,
  encodeQuery,
} from "../../../src/wire/presence.js";
import { decodeReceipt, encodeReceipt, type Receipt } from "../../../src/wire/receipt.js";
import {
  decodeRecord,
  encodeRecord,
  type MessageRecord,
  messageId,
  RecordKind,
  ReplyStatus,
} from "../../../src/wire/record.js";
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
import { encodeFrames } from "./datagrams.js";
import { plain } from "./plain.js";

const FOLDER = new URL("../../fixtures/wire/", import.meta.url);

/** Alice signs everything here. Seeds are 32 times the byte 0xa1 and 0xb0. */
const alice = identityFromSeed(new Uint8Array(32).fill(0xa1));
const bob = identityFromSeed(new Uint8Array(32).fill(0xb0));
const aliceHere = { device: alice.device, incarnation: "a1a2a3a4a5a6a7a8" };
const bobHere = { device: bob.device, incarnation: "b1b2b3b4b5b6b7b8" };
const nonce = "0011223344556677";
const groupId = "8899aabbccddeeff";
const startedAtMs = 1_767_225_600_000; // 2026-01-01T00:00:00Z

interface Golden {
  readonly file: string;
  readonly fields: unknown;
  readonly bytes: Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
  /** Alice's signature is the end of it. */
  readonly signed: boolean;
}

function golden<Value>(
  file: string,
  value: Value,
  encode: (value: Value) => Uint8Array,
  decode: (bytes: Uint8Array) => unknown,
): Golden {
  return { file, fields: plain(value), bytes: encode(value), decode, signed: false };
}

function signedGolden<Value>(
  file: string,
  value: Value,
  encode: (value: Value) => Uint8Array,
  decode: (bytes: Uint8Array) => unknown,
): Golden {
  const unsigned = encode(value);
  const bytes = withSignature(unsigned, alice.sign(unsigned));
  return { file, fields: plain(value), bytes, decode, signed: true };
}

const beacon = signedGolden(
  "beacon",
  {
    ...aliceHere,
    sequence: 3,
    startedAtMs,
    intervalMs: 12_500,
    dataPort: 22_400,
    groups: [{ groupId: "1122334455667788", digest: "0123456789abcdef" }],
    name: "alicé",
  },
  encodeBeacon,
  decodeBeacon,
);

const lane = { lane: Lane.ordered, sequence: 70, base: 66 };
const frames: readonly [string, Frame][] = [
  ["frame-ping", { type: FrameType.ping }],
  [
    "frame-ack",
    {
      type: FrameType.ack,
      delayUs: 1_234,
      creditDatagrams: 256,
      ranges: [
        { first: 1_000, last: 1_005 },
        { first: 998, last: 998 },
        { first: 0, last: 700 },
      ],
    },
  ],
  ["frame-message", { type: FrameType.message, ...lane, record: Uint8Array.of(1, 2, 3) }],
  [
    "frame-fragment",
    {
      type: FrameType.fragment,
      lane: Lane.requests,
      sequence: 1,
      base: 1,
      totalBytes: 20_000,
      offset: 1_100,
      slice: Uint8Array.of(4, 5, 6),
    },
  ],
  ["frame-advance", { type: FrameType.advance, lane: Lane.ordered, base: 20_000 }],
  ["frame-close", { type: FrameType.close, reason: 1 }],
];

const groupKeyNote: GroupKeyNote = {
  purpose: GroupKeyPurpose.rotation,
  groupId,
  label: "#ops",
  epoch: 2,
  key: "6b".repeat(32),
  by: alice.device,
  removed: [bob.device],
  signature: new Uint8Array(64).fill(0x51),
  proofKeyId: "0102030405060708",
  proof: new Uint8Array(16).fill(0x9f),
};

/** Of one more range than fits one part, and a second incarnation of the same device. */
const syncStreams = [
  {
    ...aliceHere,
    latestHlc: startedAtMs * 1024 + 3,
    ranges: Array.from({ length: 65 }, (_, i) => ({ first: 10 * i + 1, last: 10 * i + 5 })),
  },
  { ...aliceHere, incarnation: "a0a0a0a0a0a0a0a0", latestHlc: 7, ranges: [{ first: 2, last: 9 }] },
  { ...bobHere, latestHlc: 0, ranges: [{ first: 4, last: 4 }] },
];
const request = 0x0102_0304;
const ask: GroupSync = {
  purpose: GroupSyncPurpose.ask,
  request,
  partial: false,
  streams: syncStreams,
};
const receipt: Receipt = {
  status: "read",
  messageIds: [messageId(bobHere.incarnation, 1), messageId(bobHere.incarnation, 2)],
};

const examinationKey = "e1".repeat(16);
const examinationAsk: Examination = { purpose: ExaminationPurpose.ask, key: examinationKey };

const record = { incarnation: aliceHere.incarnation, messageSequence: 9, sentAtMs: startedAtMs };
const records: readonly [string, MessageRecord][] = [
  ["record-text", { kind: RecordKind.text, ...record, body: encodeUtf8("Grüße 👋") }],
  [
    "record-group-key",
    { kind: RecordKind.groupKey, ...record, body: encodeGroupKeyNote(groupKeyNote) },
  ],
  ["record-request", { kind: RecordKind.request, ...record, body: encodeUtf8("uptime") }],
  [
    "record-reply",
    {
      kind: RecordKind.reply,
      ...record,
      requestSequence: 5,
      status: ReplyStatus.failed,
      body: encodeUtf8("no such command"),
    },
  ],
  [
    "record-group-sync",
    { kind: RecordKind.groupSync, ...record, body: encodeOpenSync(groupId, encodeGroupSync(ask)) },
  ],
  ["record-receipt", { kind: RecordKind.receipt, ...record, body: encodeReceipt(receipt) }],
  [
    "record-examination",
    { kind: RecordKind.examination, ...record, body: encodeExamination(examinationAsk) },
  ],
];

const groupData = signedGolden(
  "group-data",
  {
    groupId,
    ...aliceHere,
    sequence: 17,
    name: "alice",
    entries: [
      {
        continues: false,
        continued: true,
        messageSequence: 64,
        sentAtMs: startedAtMs,
        hlc: startedAtMs * 1024 + 3,
        body: Uint8Array.of(0x82, 0xac),
      },
      {
        continues: true,
        continued: false,
        messageSequence: 65,
        sentAtMs: startedAtMs,
        hlc: startedAtMs * 1024 + 3,
        body: Uint8Array.of(0xe2),
      },
    ],
  },
  encodeGroupData,
  decodeGroupData,
);

/** Nonces are 24 times the byte 0x4e. */
const groupKey = groupKeyOf("6b".repeat(32), {
  uniform: () => 0,
  bytes: (countBytes) => new Uint8Array(countBytes).fill(0x4e),
});

const sealedAsk = { groupId, from: alice.device, to: bob.device, keyId: groupKey.id };

/** The same key and nonce as above, around the content of the file "group-sync-ask". */
const sealedSync: Golden = {
  file: "group-sync-sealed",
  fields: plain({ key: groupKey.secret, ...sealedAsk, content: encodeGroupSync(ask) }),
  bytes: sealSync(encodeGroupSync(ask)),
  decode: (bytes) => {
    const { groupId: of, rest } = decodeSyncGroup(bytes);
    const { keyId, nonce: drawn, sealed } = decodeSyncSeal(rest);
    const header = syncAssociatedData({ ...sealedAsk, keyId, nonce: drawn });
    const content = Uint8Array.from(groupKey.open(drawn, header, sealed) ?? []);
    return { key: groupKey.secret, ...sealedAsk, groupId: of, keyId, content };
  },
  signed: false,
};

function sealSync(content: Uint8Array): Uint8Array {
  const drawn = new Uint8Array(24).fill(0x4e);
  const header = syncAssociatedData({ ...sealedAsk, nonce: drawn });
  const sealed = groupKey.seal(() => header, content).subarray(header.length);
  return encodeSealedSync({ ...sealedAsk, nonce: drawn }, sealed);
}

const goldens: readonly Golden[] = [
  beacon,
  signedGolden("leave", { ...aliceHere, sequence: 4 }, encodeLeave, decodeLeave),
  golden(
    "query",
    {
      nonce,
      incarnation: bobHere.incarnation,
      dataPort: 22_400,
      direct: true,
      peersKnown: 300,
      known: Uint8Array.of(0x80, 0x01, 0xff),
    },
    encodeQuery,
    decodeQuery,
  ),
  signedGolden(
    "answer",
    { nonce, heldUs: 75_000, announces: true, beacon: decodeBeacon(beacon.bytes) },
    encodeAnswer,
    decodeAnswer,
  ),
  golden(
    "handshake-init",
    {
      senderIndex: 0x0102_0304,
      suite: 1,
      cookie: new Uint8Array(16).fill(0xc0),
      message: new Uint8Array(32).fill(0xe1),
    },
    encodeHandshakeInit,
    decodeHandshakeInit,
  ),
  golden("group-key-note", groupKeyNote, encodeGroupKeyNote, decodeGroupKeyNote),
  golden("receipt", receipt, encodeReceipt, decodeReceipt),
  golden("examination-ask", examinationAsk, encodeExamination, decodeExamination),
  golden<Examination>(
    "examination-ready",
    {
      purpose: ExaminationPurpose.ready,
      key: examinationKey,
      busy: false,
      clockMs: startedAtMs,
    },
    encodeExamination,
    decodeExamination,
  ),
  golden<Examination>(
    "examination-report",
    {
      purpose: ExaminationPurpose.report,
      key: examinationKey,
      heard: [
        { way: ProbeWay.unicast, count: 3 },
        { way: ProbeWay.defaultGroup, count: 0 },
      ],
    },
    encodeExamination,
    decodeExamination,
  ),
  golden("probe", { token: "e2".repeat(8), sizeBytes: 16 }, encodeProbe, decodeProbe),
  golden("group-sync-ask", ask, encodeGroupSync, decodeGroupSync),
  golden<GroupSync>(
    "group-sync-offer",
    { purpose: GroupSyncPurpose.offer, request, partial: true, streams: syncStreams.slice(2) },
    encodeGroupSync,
    decodeGroupSync,
  ),
  golden<GroupSync>(
    "group-sync-fetch",
    {
      purpose: GroupSyncPurpose.fetch,
      request,
      keyIds: [groupKey.id, "0102030405060708"],
      streams: syncStreams.slice(2),
    },
    encodeGroupSync,
    decodeGroupSync,
  ),
  golden<GroupSync>(
    "group-sync-data",
    {
      purpose: GroupSyncPurpose.data,
      request,
      index: 2,
      last: true,
      looked: 300,
      datagrams: [groupData.bytes, Uint8Array.of(1, 2, 3)],
    },
    encodeGroupSync,
    decodeGroupSync,
  ),
  golden<GroupSync>(
    "group-sync-busy",
    { purpose: GroupSyncPurpose.busy, request },
    encodeGroupSync,
    decodeGroupSync,
  ),
  sealedSync,
  {
    file: "group-sealed",
    // A key of 32 times 0x6b and a nonce of 24 times 0x4e, around the group data of the file so named.
    fields: plain({ key: "6b".repeat(32), datagram: groupData.bytes, groupId, keyId: groupKey.id }),
    bytes: groupKey.seal(
      (fresh) => encodeGroupSealHeader({ groupId, keyId: groupKey.id, nonce: fresh }),
      groupData.bytes,
    ),
    decode: (bytes) => {
      const { nonce: drawn, header, sealed, keyId, ...rest } = decodeSealedGroup(bytes);
      const datagram = Uint8Array.from(groupKey.open(drawn, header, sealed) ?? []);
      return { key: groupKey.secret, datagram, groupId: rest.groupId, keyId };
    },
    signed: false,
  },
  golden(
    "handshake-response",
    { senderIndex: 0x0506_0708, receiverIndex: 0x0102_0304, message: Uint8Array.of(7, 8) },
    encodeHandshakeResponse,
    decodeHandshakeResponse,
  ),
  golden(
    "handshake-finish",
    { receiverIndex: 0x0506_0708, message: Uint8Array.of(9) },
    encodeHandshakeFinish,
    decodeHandshakeFinish,
  ),
  golden(
    "cookie",
    { receiverIndex: 0x0102_0304, cookie: new Uint8Array(16).fill(0xc0) },
    encodeCookie,
    decodeCookie,
  ),
  golden(
    "claims",
    { ...aliceHere, dataPort: 22_400, creditDatagrams: 256, announces: true, name: "alice" },
    encodeClaims,
    decodeClaims,
  ),
  golden(
    "sealed-header",
    { receiverIndex: 0x0506_0708, counter: 0x01_0203_0405 },
    encodeSealedHeader,
    decodeSealedHeader,
  ),
  golden(
    "reset",
    { receiverIndex: 0x0506_0708, counter: 0x01_0203_0405 },
    encodeReset,
    decodeReset,
  ),
  groupData,
  signedGolden(
    "group-heartbeat",
    {
      groupId,
      ...aliceHere,
      sequence: 6,
      startedAtMs,
      hello: true,
      leaving: false,
      wantsCopies: true,
      digest: "0123456789abcdef",
      lead: 17,
      trail: 12,
      intervalMs: 800,
      dataPort: 22_400,
      name: "alice",
    },
    encodeGroupHeartbeat,
    decodeGroupHeartbeat,
  ),
  signedGolden(
    "group-nack",
    {
      groupId,
      ...aliceHere,
      sequence: 7,
      of: bobHere,
      missing: [
        { first: 3, last: 3 },
        { first: 10, last: 90 },
      ],
    },
    encodeGroupNack,
    decodeGroupNack,
  ),
  ...frames.map(([file, frame]) => golden(file, [frame], encodeFrames, readFrames)),
  ...records.map(([file, value]) => golden(file, value, encodeRecord, decodeRecord)),
];

if (process.env["UPDATE_GOLDEN"] !== undefined) {
  for (const { file, fields, bytes, signed } of goldens) {
    const seed = signed ? { signedBySeed: "a1".repeat(32) } : {};
    const content = { hex: toHex(bytes), ...seed, fields };
    writeFileSync(new URL(`${file}.json`, FOLDER), `${JSON.stringify(content, null, 2)}\n`);
  }
}

function stored(file: string): { hex: string; fields: unknown } {
  return JSON.parse(readFileSync(new URL(`${file}.json`, FOLDER), "utf8"));
}

describe.each(goldens)("$file", ({ file, fields, bytes, decode }) => {
  it("encodes to the stored bytes", () => {
    const fixture = stored(file);
    expect(fields).toEqual(fixture.fields);
    expect(toHex(bytes)).toBe(fixture.hex);
  });

  it("decodes from the stored bytes", () => {
    const fixture = stored(file);
    expect(plain(decode(fromHex(fixture.hex)))).toEqual(fixture.fields);
  });
});

it.each(goldens.filter(({ signed }) => signed))("$file is signed by its device", ({ file }) => {
  const datagram = fromHex(stored(file).hex);
  expect(verifyEd25519(alice.device, signedPart(datagram), signatureOf(datagram))).toBe(true);
});

describe("the fixtures", () => {
  it("are these and no others", () => {
    const files = goldens.map(({ file }) => `${file}.json`);
    expect(readdirSync(FOLDER).toSorted()).toEqual(files.toSorted());
  });

  it("cover every datagram type, frame type and record kind", () => {
    const types = goldens.map(({ bytes }) => datagramType(bytes)).filter((type) => type);
    expect(new Set(types)).toEqual(new Set(Object.values(DatagramType)));
    const frameTypes = new Set<number>(frames.map(([, frame]) => frame.type));
    frameTypes.add(FrameType.padding);
    expect(frameTypes).toEqual(new Set(Object.values(FrameType)));
    const kinds = new Set(records.map(([, value]) => value.kind));
    expect(kinds).toEqual(new Set(Object.values(RecordKind)));
  });
});
