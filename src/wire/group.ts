/**
 * Group data, heartbeat and NACK: all signed, all multicast; and the seal that secret groups put
 * around them. PROTOCOL.md section 6.
 */
import {
  DatagramType,
  DEVICE_BYTES,
  GROUP_DIGEST_BYTES,
  GROUP_ID_BYTES,
  GROUP_KEY_ID_BYTES,
  GROUP_NONCE_BYTES,
  GROUP_SEAL_HEADER_BYTES,
  HEADER_BYTES,
  INCARNATION_BYTES,
  MAX_DATAGRAM_BYTES,
  MAX_NAME_BYTES,
  MAX_RANGES,
  SEAL_TAG_BYTES,
  SIGNATURE_BYTES,
} from "./constants.js";
import { encodeUtf8, malformed, type Reader, varintBytes, Writer } from "./cursor.js";
import { readBody, readSignedBody, writeHeader } from "./header.js";
import {
  type Instance,
  readInstance,
  readName,
  readPort,
  writeInstance,
  writeName,
} from "./presence.js";

/** Inclusive on both ends. */
export interface SequenceRange {
  readonly first: number;
  readonly last: number;
}

/** Behind the header and the group: where data, heartbeat and NACK name who says them. */
const INSTANCE_AT = HEADER_BYTES + GROUP_ID_BYTES;

/** The instance that a data, heartbeat or NACK names as its sender, unread; shorter if truncated. */
export function senderBytes(datagram: Uint8Array): Uint8Array {
  return datagram.subarray(INSTANCE_AT, INSTANCE_AT + DEVICE_BYTES + INCARNATION_BYTES);
}

/** One line of chat, or a part of one that is longer than a datagram. */
export interface GroupEntry {
  /** Of the sender's incarnation, shared with its direct messages: makes the message id. */
  readonly messageSequence: number;
  /** The sender's wall clock, milliseconds since 1970. */
  readonly sentAtMs: number;
  /** Where the message stands in the group, the same for everybody: see `HybridClock`. */
  readonly hlc: number;
  /** The next datagram of this sender goes on with the same message. */
  readonly continues: boolean;
  /** Goes on with the message of the datagram before: no line of its own if that one is lost. */
  readonly continued: boolean;
  /** A later version says something here that is no line of ours: it is kept, and not shown. */
  readonly unknown?: true;
  /** UTF-8; may be cut inside a character when `continues`. */
  readonly body: Uint8Array;
}

/** Signed once by its author and repeated byte for byte as a repair, by whoever has it. */
export interface GroupData extends Instance {
  readonly groupId: string;
  /** 1, 2, 3, ... per (group, sender, incarnation); counts datagrams. */
  readonly sequence: number;
  /** Of the author: a line that comes before any heartbeat has one too. */
  readonly name: string;
  readonly entries: readonly GroupEntry[];
}

const ENTRY_CONTINUES = 0x01;
const ENTRY_CONTINUED = 0x02;
/** Who does not know one of these passes the entry over: PROTOCOL.md section 6.2. */
const ENTRY_MUST_BE_KNOWN = 0xf0;

/** header, group id, instance, sequence, the longest name, signature. */
const GROUP_DATA_FIXED_BYTES =
  HEADER_BYTES +
  GROUP_ID_BYTES +
  DEVICE_BYTES +
  INCARNATION_BYTES +
  8 +
  1 +
  MAX_NAME_BYTES +
  SIGNATURE_BYTES;
/** flags, message sequence, sent-at, hybrid clock and length in their longest form. */
export const GROUP_ENTRY_OVERHEAD_BYTES = 1 + 8 + 8 + 8 + 2;

/** The same in the form that they have here. */
export function groupEntryOverheadBytes(
  { messageSequence, sentAtMs, hlc }: Pick<GroupEntry, "messageSequence" | "sentAtMs" | "hlc">,
  bodyBytes: number,
): number {
  const numbers = varintBytes(messageSequence) + varintBytes(sentAtMs) + varintBytes(hlc);
  return 1 + numbers + varintBytes(bodyBytes);
}
/** Bytes that sealing adds to a group datagram. */
export const GROUP_SEAL_OVERHEAD_BYTES = GROUP_SEAL_HEADER_BYTES + SEAL_TAG_BYTES;
/** Entries, each with its overhead, that fit one datagram of an open group under any name. */
export const GROUP_ENTRIES_BYTES = MAX_DATAGRAM_BYTES - GROUP_DATA_FIXED_BYTES;

/** The same under this name, of an open group or of a secret one. */
export function groupEntriesBytes(name: string, secret: boolean): number {
  const unusedNameBytes = MAX_NAME_BYTES - encodeUtf8(name).length;
  return GROUP_ENTRIES_BYTES + unusedNameBytes - (secret ? GROUP_SEAL_OVERHEAD_BYTES : 0);
}

/** Without its signature. The caller keeps the entries within `groupEntriesBytes`. */
export function encodeGroupData(data: GroupData): Uint8Array {
  const writer = writeHeader(
    new Writer(MAX_DATAGRAM_BYTES - SIGNATURE_BYTES),
    DatagramType.groupData,
  ).hex(data.groupId);
  writeInstance(writer, data).u64(data.sequence);
  writeName(writer, data.name);
  for (const entry of data.entries) {
    writer
      .u8((entry.continues ? ENTRY_CONTINUES : 0) | (entry.continued ? ENTRY_CONTINUED : 0))
      .varint(entry.messageSequence)
      .varint(entry.sentAtMs)
      .varint(entry.hlc)
      .varint(entry.body.length)
      .bytes(entry.body);
  }
  return writer.finish();
}

export function decodeGroupData(datagram: Uint8Array): GroupData {
  const reader = readSignedBody(datagram, DatagramType.groupData);
  const groupId = reader.hex(GROUP_ID_BYTES);
  const instance = readInstance(reader);
  const sequence = reader.u64();
  if (sequence === 0) throw malformed("sequence 0");
  const name = readName(reader);
  const entries: GroupEntry[] = [];
  while (reader.remainingBytes > 0) {
    const flags = reader.u8();
    entries.push({
      continues: (flags & ENTRY_CONTINUES) !== 0,
      continued: (flags & ENTRY_CONTINUED) !== 0,
      ...((flags & ENTRY_MUST_BE_KNOWN) === 0 ? {} : { unknown: true }),
      messageSequence: reader.varint(),
      sentAtMs: reader.varint(),
      hlc: reader.varint(),
      body: reader.bytes(reader.varint()),
    });
  }
  if (entries.length === 0) throw malformed("no entries");
  return { groupId, ...instance, sequence, name, entries };
}

/** What a member says of itself: that it is here, and which of its datagrams exist. */
export interface GroupHeartbeat extends Instance {
  readonly groupId: string;
  /** Grows with every heartbeat of an incarnation in a group; older ones are dropped. */
  readonly sequence: number;
  /** Wall clock at the start of this incarnation, milliseconds since 1970: orders incarnations. */
  readonly startedAtMs: number;
  /** Just joined: the others make themselves known. */
  readonly hello: boolean;
  /** Last words: `lead` is final. */
  readonly leaving: boolean;
  /** Multicast of others does not reach the sender: it wants copies by unicast. */
  readonly wantsCopies: boolean;
  /** Of all datagrams of the group that the sender holds, 16 hexadecimal digits: see `Archive`. */
  readonly digest: string;
  /** Highest data sequence sent; 0 for none. */
  readonly lead: number;
  /** Lowest data sequence that the sender can still repeat; `lead + 1` for none. */
  readonly trail: number;
  /** The next heartbeat comes within this time. */
  readonly intervalMs: number;
  readonly dataPort: number;
  readonly name: string;
}

const HEARTBEAT_HELLO = 0x01;
const HEARTBEAT_LEAVING = 0x02;
const HEARTBEAT_WANTS_COPIES = 0x04;

/** Without its signature. */
export function encodeGroupHeartbeat(heartbeat: GroupHeartbeat): Uint8Array {
  const writer = writeHeader(
    new Writer(MAX_DATAGRAM_BYTES - SIGNATURE_BYTES),
    DatagramType.groupHeartbeat,
  ).hex(heartbeat.groupId);
  writeInstance(writer, heartbeat)
    .u64(heartbeat.sequence)
    .u64(heartbeat.startedAtMs)
    .u8(
      (heartbeat.hello ? HEARTBEAT_HELLO : 0) |
        (heartbeat.leaving ? HEARTBEAT_LEAVING : 0) |
        (heartbeat.wantsCopies ? HEARTBEAT_WANTS_COPIES : 0),
    )
    .hex(heartbeat.digest)
    .u64(heartbeat.lead)
    .u64(heartbeat.trail)
    .u32(heartbeat.intervalMs)
    .u16(heartbeat.dataPort);
  return writeName(writer, heartbeat.name).u8(0).finish();
}

export function decodeGroupHeartbeat(datagram: Uint8Array): GroupHeartbeat {
  const reader = readSignedBody(datagram, DatagramType.groupHeartbeat);
  const groupId = reader.hex(GROUP_ID_BYTES);
  const instance = readInstance(reader);
  const sequence = reader.u64();
  const startedAtMs = reader.u64();
  const flags = reader.u8();
  const heartbeat: GroupHeartbeat = {
    groupId,
    ...instance,
    sequence,
    startedAtMs,
    hello: (flags & HEARTBEAT_HELLO) !== 0,
    leaving: (flags & HEARTBEAT_LEAVING) !== 0,
    wantsCopies: (flags & HEARTBEAT_WANTS_COPIES) !== 0,
    digest: reader.hex(GROUP_DIGEST_BYTES),
    lead: reader.u64(),
    trail: reader.u64(),
    intervalMs: reader.u32(),
    dataPort: readPort(reader),
    name: readName(reader),
  };
  if (heartbeat.trail > heartbeat.lead + 1) throw malformed("trail beyond lead");
  reader.shortBytes(); // extensions of later minor revisions
  reader.end();
  return heartbeat;
}

/** "I miss these datagrams of that sender." */
export interface GroupNack extends Instance {
  readonly groupId: string;
  /** Grows with every NACK of an incarnation in a group; older ones are dropped. */
  readonly sequence: number;
  /** Whose datagrams are missing. */
  readonly of: Instance;
  /** Ascending, apart, at most `MAX_RANGES`. */
  readonly missing: readonly SequenceRange[];
}

/** Without its signature. */
export function encodeGroupNack(nack: GroupNack): Uint8Array {
  const writer = writeHeader(
    new Writer(MAX_DATAGRAM_BYTES - SIGNATURE_BYTES),
    DatagramType.groupNack,
  ).hex(nack.groupId);
  writeInstance(writer, nack).u64(nack.sequence);
  writeInstance(writer, nack.of);
  return writeRanges(writer, nack.missing).finish();
}

/** At most 255, ascending and apart. */
export function writeRanges(writer: Writer, ranges: readonly SequenceRange[]): Writer {
  writer.u8(ranges.length);
  let previousLast = 0;
  for (const { first, last } of ranges) {
    writer.varint(first - previousLast).varint(last - first);
    previousLast = last;
  }
  return writer;
}

/** One to `MAX_RANGES`. */
export function readRanges(reader: Reader): SequenceRange[] {
  const count = reader.u8();
  if (count === 0 || count > MAX_RANGES) throw malformed("range count");
  const ranges: SequenceRange[] = [];
  let previousLast = 0;
  for (let i = 0; i < count; i += 1) {
    const distance = reader.varint();
    if (distance === 0) throw malformed("ranges overlap");
    const first = previousLast + distance;
    const last = first + reader.varint();
    if (!Number.isSafeInteger(last)) throw malformed("range beyond 2^53");
    ranges.push({ first, last });
    previousLast = last;
  }
  return ranges;
}

export function decodeGroupNack(datagram: Uint8Array): GroupNack {
  const reader = readSignedBody(datagram, DatagramType.groupNack);
  const groupId = reader.hex(GROUP_ID_BYTES);
  const instance = readInstance(reader);
  const sequence = reader.u64();
  const of = readInstance(reader);
  const missing = readRanges(reader);
  reader.end();
  return { groupId, ...instance, sequence, of, missing };
}

/** The clear part of a sealed group datagram; it is also the associated data of the seal. */
export interface GroupSealHeader {
  readonly groupId: string;
  /** Which key it is sealed with, 16 hexadecimal digits. */
  readonly keyId: string;
  readonly nonce: Uint8Array;
}

export function encodeGroupSealHeader(header: GroupSealHeader): Uint8Array {
  return writeHeader(new Writer(GROUP_SEAL_HEADER_BYTES), DatagramType.groupSealed)
    .hex(header.groupId)
    .hex(header.keyId)
    .bytes(header.nonce)
    .finish();
}

/** Inside, once it is opened, is a whole signed datagram of the same group. */
export interface SealedGroupDatagram extends GroupSealHeader {
  /** As it came: what the seal is checked against. */
  readonly header: Uint8Array;
  readonly sealed: Uint8Array;
}

export function decodeSealedGroup(datagram: Uint8Array): SealedGroupDatagram {
  const reader = readBody(datagram, DatagramType.groupSealed);
  return {
    groupId: reader.hex(GROUP_ID_BYTES),
    keyId: reader.hex(GROUP_KEY_ID_BYTES),
    nonce: reader.bytes(GROUP_NONCE_BYTES),
    header: datagram.subarray(0, GROUP_SEAL_HEADER_BYTES),
    sealed: reader.rest(),
  };
}
