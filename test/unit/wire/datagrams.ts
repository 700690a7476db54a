/** One row per datagram type and payload format: how to draw, encode and decode it. */

import {
  MAX_EXTENSION_BYTES,
  MAX_NAME_BYTES,
  MAX_PROBE_BYTES,
  SIGNATURE_BYTES,
} from "../../../src/wire/constants.js";
import { encodeUtf8, Writer } from "../../../src/wire/cursor.js";
import {
  decodeExamination,
  decodeProbe,
  type Examination,
  ExaminationPurpose,
  encodeExamination,
  encodeProbe,
  MAX_REPORTED_WAYS,
  MIN_PROBE_BYTES,
} from "../../../src/wire/examination.js";
import { type Frame, FrameType, Lane, readFrames, writeFrame } from "../../../src/wire/frames.js";
import {
  decodeGroupData,
  decodeGroupHeartbeat,
  decodeGroupNack,
  encodeGroupData,
  encodeGroupHeartbeat,
  encodeGroupNack,
  type GroupData,
  type SequenceRange,
} from "../../../src/wire/group.js";
import {
  decodeGroupKeyNote,
  encodeGroupKeyNote,
  GroupKeyPurpose,
  MAX_REMOVED_DEVICES,
} from "../../../src/wire/groupKeyNote.js";
import {
  decodeGroupSync,
  encodeGroupSync,
  type GroupSync,
  GroupSyncPurpose,
  MAX_SYNC_KEYS,
  type SyncStream,
} from "../../../src/wire/groupSync.js";
import { withSignature } from "../../../src/wire/header.js";
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
import { decodeReceipt, encodeReceipt, MAX_RECEIPT_MESSAGES } from "../../../src/wire/receipt.js";
import {
  decodeRecord,
  encodeRecord,
  type MessageRecord,
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
import fc from "../../support/fastCheck.js";

const hexOf = (countBytes: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: countBytes, maxLength: countBytes })
    .map((bytes) => Buffer.from(bytes).toString("hex"));

const bytesUpTo = (maxLength: number, minLength = 0): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
/** Every size class of a varint and the exact ends of the range. */
export const u53 = fc.oneof(
  fc.integer({ min: 0, max: 100 }),
  fc.integer({ min: 0, max: 0xffff }),
  u32,
  fc.maxSafeNat(),
  fc.constantFrom(0x3f, 0x40, 0x3fff, 0x4000, 0x3fff_ffff, 0x4000_0000, Number.MAX_SAFE_INTEGER),
);
const port = fc.integer({ min: 1, max: 0xffff });
const signature = fc.uint8Array({ minLength: SIGNATURE_BYTES, maxLength: SIGNATURE_BYTES });
const name = fc
  .string({ unit: "binary", maxLength: MAX_NAME_BYTES })
  .filter((text) => encodeUtf8(text).length <= MAX_NAME_BYTES);

const instanceFields = { device: hexOf(32), incarnation: hexOf(8) };

/** Ranges that are apart, ascending, from 1. */
const ascendingRanges: fc.Arbitrary<SequenceRange[]> = fc
  .array(fc.tuple(fc.integer({ min: 2, max: 9000 }), fc.integer({ min: 0, max: 300 })), {
    minLength: 1,
    maxLength: 64,
  })
  .map((steps) => {
    let next = -1;
    return steps.map(([distance, more]) => {
      const first = next + distance;
      next = first + more;
      return { first, last: next };
    });
  });

/** More than one NACK or part of a stream holds. */
const manyRanges: fc.Arbitrary<SequenceRange[]> = fc
  .integer({ min: 65, max: 200 })
  .map((count) => Array.from({ length: count }, (_, i) => ({ first: 3 * i + 1, last: 3 * i + 2 })));

const position = fc
  .tuple(fc.constantFrom(...Object.values(Lane)), u53, fc.integer({ min: 0, max: 5000 }))
  .map(([lane, top, distance]) => {
    const sequence = Math.max(1, top);
    return { lane, sequence, base: Math.max(1, sequence - distance) };
  });

export const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.constant<Frame>({ type: FrameType.ping }),
  fc.record({
    type: fc.constant(FrameType.ack),
    delayUs: u53,
    creditDatagrams: u16,
    ranges: ascendingRanges.map((ranges) => ranges.toReversed()),
  }),
  fc
    .tuple(position, bytesUpTo(80))
    .map(([at, record]): Frame => ({ type: FrameType.message, ...at, record })),
  fc.tuple(position, u32, bytesUpTo(80, 1), fc.nat(4000)).map(
    ([at, offset, slice, more]): Frame => ({
      type: FrameType.fragment,
      ...at,
      totalBytes: offset + slice.length + more,
      offset,
      slice,
    }),
  ),
  fc.record({
    type: fc.constant(FrameType.advance),
    lane: fc.constantFrom(...Object.values(Lane)),
    base: u53,
  }),
  fc.record({ type: fc.constant(FrameType.close), reason: fc.nat(255) }),
);

export function encodeFrames(frames: readonly Frame[]): Uint8Array {
  const writer = new Writer(65_536);
  for (const each of frames) writeFrame(writer, each);
  return writer.finish();
}

const recordFields = {
  incarnation: hexOf(8),
  messageSequence: u53,
  sentAtMs: u53,
  body: bytesUpTo(200),
};
const messageRecord: fc.Arbitrary<MessageRecord> = fc.oneof(
  fc.record({ kind: fc.constant(RecordKind.text), ...recordFields }),
  fc.record({ kind: fc.constant(RecordKind.request), ...recordFields }),
  fc.record({
    kind: fc.constant(RecordKind.reply),
    ...recordFields,
    requestSequence: u53,
    status: fc.constantFrom(...Object.values(ReplyStatus)),
  }),
  fc.record({ kind: fc.constant(RecordKind.groupKey), ...recordFields }),
  fc.record({ kind: fc.constant(RecordKind.groupSync), ...recordFields }),
  fc.record({ kind: fc.constant(RecordKind.receipt), ...recordFields }),
  fc.record({ kind: fc.constant(RecordKind.examination), ...recordFields }),
);

/** Of one device after another, each incarnation once; some of more ranges than fit one part. */
const syncStreams: fc.Arbitrary<SyncStream[]> = fc
  .uniqueArray(
    fc.record({
      device: hexOf(32),
      streams: fc.uniqueArray(
        fc.record({
          incarnation: hexOf(8),
          latestHlc: u53,
          ranges: fc.oneof(ascendingRanges, manyRanges),
        }),
        { minLength: 1, maxLength: 4, selector: ({ incarnation }) => incarnation },
      ),
    }),
    { maxLength: 3, selector: ({ device }) => device },
  )
  .map((devices) =>
    devices.flatMap(({ device, streams }) => streams.map((stream) => ({ device, ...stream }))),
  );

const groupSync: fc.Arbitrary<GroupSync> = fc.oneof(
  fc.record({
    purpose: fc.constantFrom(GroupSyncPurpose.ask, GroupSyncPurpose.offer),
    request: u32,
    partial: fc.boolean(),
    streams: syncStreams,
  }),
  fc.record({
    purpose: fc.constant(GroupSyncPurpose.fetch),
    request: u32,
    keyIds: fc.array(hexOf(8), { maxLength: MAX_SYNC_KEYS }),
    streams: syncStreams,
  }),
  fc.record({
    purpose: fc.constant(GroupSyncPurpose.data),
    request: u32,
    index: fc.nat(255),
    last: fc.boolean(),
    looked: u53,
    datagrams: fc.array(bytesUpTo(1200, 1), { maxLength: 4 }),
  }),
  fc.record({ purpose: fc.constant(GroupSyncPurpose.busy), request: u32 }),
);

const receipt = fc.record({
  status: fc.constant("read" as const),
  messageIds: fc.array(hexOf(16), { minLength: 1, maxLength: MAX_RECEIPT_MESSAGES }),
});

const examination: fc.Arbitrary<Examination> = fc.oneof(
  fc.record({ purpose: fc.constant(ExaminationPurpose.ask), key: hexOf(16) }),
  fc.record({
    purpose: fc.constant(ExaminationPurpose.ready),
    key: hexOf(16),
    busy: fc.boolean(),
    clockMs: u53,
  }),
  fc.record({
    purpose: fc.constant(ExaminationPurpose.report),
    key: hexOf(16),
    heard: fc.array(fc.record({ way: fc.nat(255), count: fc.nat(255) }), {
      maxLength: MAX_REPORTED_WAYS,
    }),
  }),
);

const probe = fc.record({
  token: hexOf(8),
  sizeBytes: fc.integer({ min: MIN_PROBE_BYTES, max: MAX_PROBE_BYTES }),
});

const beacon = fc.record({
  ...instanceFields,
  sequence: u53,
  startedAtMs: u53,
  intervalMs: u32,
  dataPort: port,
  groups: fc.array(fc.record({ groupId: hexOf(8), digest: hexOf(8) }), { maxLength: 12 }),
  name,
});

const arbitraries = {
  beacon,
  leave: fc.record({ ...instanceFields, sequence: u53 }),
  query: fc.record({
    nonce: hexOf(8),
    incarnation: hexOf(8),
    dataPort: port,
    direct: fc.boolean(),
    peersKnown: u16,
    known: bytesUpTo(512),
  }),
  answer: fc.record({ nonce: hexOf(8), heldUs: u32, announces: fc.boolean(), beacon }),
  handshakeInit: fc.record({
    senderIndex: u32,
    suite: fc.nat(255),
    cookie: bytesUpTo(60),
    message: bytesUpTo(1100),
  }),
  handshakeResponse: fc.record({
    senderIndex: u32,
    receiverIndex: u32,
    message: bytesUpTo(1100),
  }),
  cookie: fc.record({ receiverIndex: u32, cookie: bytesUpTo(255) }),
  handshakeFinish: fc.record({ receiverIndex: u32, message: bytesUpTo(1100) }),
  claims: fc.record({
    ...instanceFields,
    dataPort: port,
    creditDatagrams: u16,
    announces: fc.boolean(),
    name,
  }),
  sealedHeader: fc.record({ receiverIndex: u32, counter: u53 }),
  groupData: fc.record({
    groupId: hexOf(8),
    ...instanceFields,
    sequence: u53.map((value) => Math.max(1, value)),
    name,
    entries: fc.array(
      fc.record({
        continues: fc.boolean(),
        continued: fc.boolean(),
        messageSequence: u53,
        sentAtMs: u53,
        hlc: u53,
        body: bytesUpTo(100),
      }),
      { minLength: 1, maxLength: 8 },
    ),
  }),
  groupHeartbeat: fc
    .record({
      groupId: hexOf(8),
      ...instanceFields,
      sequence: u53,
      startedAtMs: u53,
      hello: fc.boolean(),
      leaving: fc.boolean(),
      wantsCopies: fc.boolean(),
      digest: hexOf(8),
      lead: u53,
      trail: u53,
      intervalMs: u32,
      dataPort: port,
      name,
    })
    .map((beat) => ({ ...beat, trail: Math.min(beat.trail, beat.lead + 1, 2 ** 53 - 1) })),
  groupNack: fc.record({
    groupId: hexOf(8),
    ...instanceFields,
    sequence: u53,
    of: fc.record(instanceFields),
    missing: ascendingRanges,
  }),
  groupKeyNote: fc.record({
    purpose: fc.constantFrom(...Object.values(GroupKeyPurpose)),
    groupId: hexOf(8),
    label: fc.constantFrom("#ops", "224.0.1.100:8000", `#${"x".repeat(64)}`),
    epoch: u53,
    key: hexOf(32),
    by: hexOf(32),
    removed: fc.array(hexOf(32), { maxLength: MAX_REMOVED_DEVICES }),
    signature,
    proofKeyId: hexOf(8),
    proof: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  }),
};

/** What a round trip and a sweep over damaged bytes need to know of a format. */
export interface Format {
  readonly title: string;
  /** A valid example, with the value that must come back. */
  readonly example: fc.Arbitrary<{ bytes: Uint8Array; value: unknown }>;
  readonly decode: (bytes: Uint8Array) => unknown;
  /** What was decoded, encoded anew. */
  readonly reencode: (bytes: Uint8Array) => Uint8Array;
  /** False: the format ends in free bytes, so that a shorter one may be valid as well. */
  readonly selfDelimiting: boolean;
}

function format<Value>(
  title: string,
  values: fc.Arbitrary<Value>,
  encode: (value: Value) => Uint8Array,
  decode: (bytes: Uint8Array) => Value,
  selfDelimiting = true,
): Format {
  const example = values.map((value) => ({ bytes: encode(value), value }));
  const reencode = (bytes: Uint8Array): Uint8Array => encode(decode(bytes));
  return { title, example, decode, reencode, selfDelimiting };
}

/** Appends a signature of no meaning: the codec checks shapes only. */
function signed<Value>(encode: (value: Value) => Uint8Array): (value: Value) => Uint8Array {
  const filler = new Uint8Array(SIGNATURE_BYTES).fill(0x5a);
  return (value) => withSignature(encode(value), filler);
}

export const formats: readonly Format[] = [
  format("beacon", arbitraries.beacon, signed(encodeBeacon), decodeBeacon),
  format("leave", arbitraries.leave, signed(encodeLeave), decodeLeave),
  format("query", arbitraries.query, encodeQuery, decodeQuery, false),
  format("answer", arbitraries.answer, signed(encodeAnswer), decodeAnswer),
  format(
    "handshake init",
    arbitraries.handshakeInit,
    encodeHandshakeInit,
    decodeHandshakeInit,
    false,
  ),
  format(
    "handshake response",
    arbitraries.handshakeResponse,
    encodeHandshakeResponse,
    decodeHandshakeResponse,
    false,
  ),
  format(
    "handshake finish",
    arbitraries.handshakeFinish,
    encodeHandshakeFinish,
    decodeHandshakeFinish,
    false,
  ),
  format("cookie", arbitraries.cookie, encodeCookie, decodeCookie, false),
  format("group key note", arbitraries.groupKeyNote, encodeGroupKeyNote, decodeGroupKeyNote),
  format("group sync", groupSync, encodeGroupSync, decodeGroupSync, false),
  format("receipt", receipt, encodeReceipt, decodeReceipt),
  format("examination", examination, encodeExamination, decodeExamination),
  format("probe", probe, encodeProbe, decodeProbe, false),
  format("claims", arbitraries.claims, encodeClaims, decodeClaims),
  format("sealed header", arbitraries.sealedHeader, encodeSealedHeader, decodeSealedHeader),
  format("reset", arbitraries.sealedHeader, encodeReset, decodeReset, false),
  format<GroupData>(
    "group data",
    arbitraries.groupData,
    signed(encodeGroupData),
    decodeGroupData,
    false,
  ),
  format(
    "group heartbeat",
    arbitraries.groupHeartbeat,
    signed(encodeGroupHeartbeat),
    decodeGroupHeartbeat,
  ),
  format("group NACK", arbitraries.groupNack, signed(encodeGroupNack), decodeGroupNack),
  format(
    "frames",
    fc.array(frame, { minLength: 1, maxLength: 6 }),
    encodeFrames,
    readFrames,
    false,
  ),
  format("record", messageRecord, encodeRecord, decodeRecord, false),
];

/** The bytes of an extension field of `countBytes`, at most {@link MAX_EXTENSION_BYTES}. */
export function extension(countBytes: number): Uint8Array {
  const capped = Math.min(countBytes, MAX_EXTENSION_BYTES);
  return Uint8Array.of(capped, ...new Uint8Array(capped).fill(0xee));
}
