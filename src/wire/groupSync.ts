/** What two members tell each other of what they hold, in a session. PROTOCOL.md section 6.8. */
import {
  DEVICE_BYTES,
  GROUP_ID_BYTES,
  GROUP_KEY_ID_BYTES,
  GROUP_NONCE_BYTES,
  INCARNATION_BYTES,
  MAX_DATAGRAM_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_RANGES,
  SEAL_TAG_BYTES,
} from "./constants.js";
import { encodeUtf8, malformed, Reader, varintBytes, Writer } from "./cursor.js";
import { readRanges, type SequenceRange, writeRanges } from "./group.js";
import type { Instance } from "./presence.js";

export const GroupSyncPurpose = {
  /** This is what I hold: what do you have that I lack? */
  ask: 0,
  /** This you lack. */
  offer: 1,
  /** Send me these. */
  fetch: 2,
  /** Here they are. */
  data: 3,
  /** Not now. */
  busy: 4,
} as const;

/** What is held, or lacking, or wanted, of one incarnation of a member. */
export interface SyncStream extends Instance {
  /** Ascending and apart. */
  readonly ranges: readonly SequenceRange[];
  /** The highest reading of the hybrid clock in what the sender holds of it; nothing in a fetch. */
  readonly latestHlc: number;
}

interface SyncBase {
  /** Drawn by whoever asks or fetches; the answer carries it back. */
  readonly request: number;
}

export interface SyncAsk extends SyncBase {
  readonly purpose: typeof GroupSyncPurpose.ask;
  /** Streams are left out: those that are absent say nothing. */
  readonly partial: boolean;
  readonly streams: readonly SyncStream[];
}

export interface SyncOffer extends SyncBase {
  readonly purpose: typeof GroupSyncPurpose.offer;
  /** There is more than fits. */
  readonly partial: boolean;
  readonly streams: readonly SyncStream[];
}

export interface SyncFetch extends SyncBase {
  readonly purpose: typeof GroupSyncPurpose.fetch;
  /** Keys that the sender has, 16 hexadecimal digits each; none in an open group. */
  readonly keyIds: readonly string[];
  /** In this order they are served. */
  readonly streams: readonly SyncStream[];
}

export interface SyncData extends SyncBase {
  readonly purpose: typeof GroupSyncPurpose.data;
  /** 0, 1, 2, ... in one answer. */
  readonly index: number;
  /** The answer has no higher index. */
  readonly last: boolean;
  /**
   * Of the last: so many numbers of the fetch, in its order, are dealt with; what is not here of
   * them cannot be had. The rest is to be fetched again. 0 in the others.
   */
  readonly looked: number;
  /** GROUP DATA as its author signed it; under a former key in a GROUP SEALED of its own. */
  readonly datagrams: readonly Uint8Array[];
}

export interface SyncBusy extends SyncBase {
  readonly purpose: typeof GroupSyncPurpose.busy;
}

export type GroupSync = SyncAsk | SyncOffer | SyncFetch | SyncData | SyncBusy;

/** Keys of a secret group that a fetch names: the present one and retired ones. */
export const MAX_SYNC_KEYS = 16;
/** Streams of one record take no more, so that it fits whatever is around them. */
const SYNC_STREAMS_BYTES = 60 * 1024;
/** Datagrams of one record, each with its length. */
export const SYNC_DATAGRAMS_BYTES = 60 * 1024;
/** purpose, request, flags or count. */
const FIXED_BYTES = 1 + 4 + 1;
const SYNC_SEAL_BYTES = GROUP_KEY_ID_BYTES + GROUP_NONCE_BYTES + SEAL_TAG_BYTES;
const MAX_CONTENT_BYTES = MAX_MESSAGE_BYTES - GROUP_ID_BYTES - SYNC_SEAL_BYTES;
const MAX_STREAMS_PER_DEVICE = 255;

const SYNC_PARTIAL = 0x01;
const SYNC_LAST = 0x01;

/** The content of a record. The caller keeps streams and datagrams within their bounds. */
export function encodeGroupSync(sync: GroupSync): Uint8Array {
  const writer = new Writer(MAX_CONTENT_BYTES).u8(sync.purpose).u32(sync.request);
  switch (sync.purpose) {
    case GroupSyncPurpose.ask:
    case GroupSyncPurpose.offer:
      writeStreams(writer.u8(sync.partial ? SYNC_PARTIAL : 0), sync.streams);
      break;
    case GroupSyncPurpose.fetch:
      writer.u8(sync.keyIds.length);
      for (const keyId of sync.keyIds) writer.hex(keyId);
      writeStreams(writer, sync.streams);
      break;
    case GroupSyncPurpose.data:
      writer
        .u8(sync.index)
        .u8(sync.last ? SYNC_LAST : 0)
        .varint(sync.looked);
      for (const datagram of sync.datagrams) writer.varint(datagram.length).bytes(datagram);
      break;
    case GroupSyncPurpose.busy:
      break;
  }
  return writer.finish();
}

/** What every content begins with: enough to decide whether the rest is worth reading. */
export function peekGroupSync(content: Uint8Array): { purpose: number; request: number } {
  const reader = new Reader(content);
  return { purpose: reader.u8(), request: reader.u32() };
}

export function decodeGroupSync(content: Uint8Array): GroupSync {
  const reader = new Reader(content);
  const sync = readContent(reader, reader.u8(), reader.u32());
  reader.end();
  return sync;
}

function readContent(reader: Reader, purpose: number, request: number): GroupSync {
  switch (purpose) {
    case GroupSyncPurpose.ask:
    case GroupSyncPurpose.offer: {
      const partial = (reader.u8() & SYNC_PARTIAL) !== 0;
      return { purpose, request, partial, streams: readStreams(reader) };
    }
    case GroupSyncPurpose.fetch: {
      const count = reader.u8();
      if (count > MAX_SYNC_KEYS) throw malformed("too many keys");
      const keyIds = Array.from({ length: count }, () => reader.hex(GROUP_KEY_ID_BYTES));
      return { purpose, request, keyIds, streams: readStreams(reader) };
    }
    case GroupSyncPurpose.data: {
      const index = reader.u8();
      const last = (reader.u8() & SYNC_LAST) !== 0;
      const looked = reader.varint();
      return { purpose, request, index, last, looked, datagrams: readDatagrams(reader) };
    }
    case GroupSyncPurpose.busy:
      return { purpose, request };
    default:
      throw malformed("unknown purpose");
  }
}

function readDatagrams(reader: Reader): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  while (reader.remainingBytes > 0) {
    const sizeBytes = reader.varint();
    if (sizeBytes === 0 || sizeBytes > MAX_DATAGRAM_BYTES) throw malformed("datagram length");
    datagrams.push(reader.bytes(sizeBytes));
  }
  return datagrams;
}

// Streams: grouped by device, a stream of many ranges in several parts.

/** Those of one device together, at the place of the first: the order in which they are read. */
export function groupedByDevice(streams: readonly SyncStream[]): SyncStream[] {
  const byDevice = new Map<string, SyncStream[]>();
  for (const stream of streams) {
    const siblings = byDevice.get(stream.device);
    if (siblings === undefined) byDevice.set(stream.device, [stream]);
    else siblings.push(stream);
  }
  return [...byDevice.values()].flat();
}

/** The first streams that fit one record; `partial` if not all do. */
export function packStreams(streams: readonly SyncStream[]): {
  readonly streams: readonly SyncStream[];
  readonly partial: boolean;
} {
  const packed: SyncStream[] = [];
  let roomBytes = SYNC_STREAMS_BYTES - FIXED_BYTES - MAX_SYNC_KEYS * GROUP_KEY_ID_BYTES;
  for (const stream of streams) {
    // As if each had its device to itself: grouping only saves.
    roomBytes -= streamBytes(stream);
    if (roomBytes < 0) return { streams: packed, partial: true };
    packed.push(stream);
  }
  return { streams: packed, partial: false };
}

function streamBytes(stream: SyncStream): number {
  let sizeBytes = 0;
  for (const part of partsOf(stream)) {
    sizeBytes += DEVICE_BYTES + 1 + INCARNATION_BYTES + varintBytes(part.latestHlc) + 1;
    let previousLast = 0;
    for (const { first, last } of part.ranges) {
      sizeBytes += varintBytes(first - previousLast) + varintBytes(last - first);
      previousLast = last;
    }
  }
  return sizeBytes;
}

function* partsOf(stream: SyncStream): Iterable<SyncStream> {
  for (let at = 0; at < stream.ranges.length; at += MAX_RANGES) {
    yield { ...stream, ranges: stream.ranges.slice(at, at + MAX_RANGES) };
  }
}

function writeStreams(writer: Writer, streams: readonly SyncStream[]): void {
  let parts: SyncStream[] = [];
  for (const stream of groupedByDevice(streams)) {
    for (const part of partsOf(stream)) {
      const isFull = parts.length === MAX_STREAMS_PER_DEVICE;
      if (isFull || parts[0]?.device !== part.device) {
        writeDevice(writer, parts);
        parts = [];
      }
      parts.push(part);
    }
  }
  writeDevice(writer, parts);
}

function writeDevice(writer: Writer, parts: readonly SyncStream[]): void {
  const [first] = parts;
  if (first === undefined) return;
  writer.hex(first.device).u8(parts.length);
  for (const { incarnation, latestHlc, ranges } of parts) {
    writeRanges(writer.hex(incarnation).varint(latestHlc), ranges);
  }
}

/** Bounded by the bytes: a stream takes at least eleven of them, a range two. */
function readStreams(reader: Reader): SyncStream[] {
  const streams = new Map<string, SyncStream & { readonly ranges: SequenceRange[] }>();
  while (reader.remainingBytes > 0) {
    const device = reader.hex(DEVICE_BYTES);
    const count = reader.u8();
    if (count === 0) throw malformed("no streams");
    for (let i = 0; i < count; i += 1) {
      const incarnation = reader.hex(INCARNATION_BYTES);
      const latestHlc = reader.varint();
      const part = readRanges(reader);
      const before = streams.get(device + incarnation);
      if (before === undefined) {
        streams.set(device + incarnation, { device, incarnation, latestHlc, ranges: part });
        continue;
      }
      const gap = (part[0]?.first ?? 0) - (before.ranges.at(-1)?.last ?? 0);
      if (gap <= 0) throw malformed("ranges overlap");
      before.ranges.push(...part);
    }
  }
  return [...streams.values()];
}

// Around the content: in an open group the group id alone, in a secret one a seal as well.

/** The body of a record of an open group. */
export function encodeOpenSync(groupId: string, content: Uint8Array): Uint8Array {
  return new Writer(GROUP_ID_BYTES + content.length).hex(groupId).bytes(content).finish();
}

/** What the body of a record begins with. */
export function decodeSyncGroup(body: Uint8Array): { groupId: string; rest: Uint8Array } {
  const reader = new Reader(body);
  return { groupId: reader.hex(GROUP_ID_BYTES), rest: reader.rest() };
}

/** From whom to whom a sealed record goes, and under which key. */
export interface SyncSealed {
  readonly groupId: string;
  /** Device that sends it. */
  readonly from: string;
  /** Device that it is for. */
  readonly to: string;
  readonly keyId: string;
  readonly nonce: Uint8Array;
}

const SYNC_SEAL_DOMAIN = encodeUtf8("udpchat group sync 1\n");
const ASSOCIATED_BYTES =
  SYNC_SEAL_DOMAIN.length +
  GROUP_ID_BYTES +
  2 * DEVICE_BYTES +
  GROUP_KEY_ID_BYTES +
  GROUP_NONCE_BYTES;

/** The associated data of the seal: nobody passes a record on as its own, or to somebody else. */
export function syncAssociatedData({ groupId, from, to, keyId, nonce }: SyncSealed): Uint8Array {
  return new Writer(ASSOCIATED_BYTES)
    .bytes(SYNC_SEAL_DOMAIN)
    .hex(groupId)
    .hex(from)
    .hex(to)
    .hex(keyId)
    .bytes(nonce)
    .finish();
}

/** The body of a record of a secret group. */
export function encodeSealedSync(
  seal: Pick<SyncSealed, "groupId" | "keyId" | "nonce">,
  sealed: Uint8Array,
): Uint8Array {
  return new Writer(GROUP_ID_BYTES + GROUP_KEY_ID_BYTES + GROUP_NONCE_BYTES + sealed.length)
    .hex(seal.groupId)
    .hex(seal.keyId)
    .bytes(seal.nonce)
    .bytes(sealed)
    .finish();
}

/** `rest`: what is behind the group id. */
export function decodeSyncSeal(rest: Uint8Array): {
  keyId: string;
  nonce: Uint8Array;
  sealed: Uint8Array;
} {
  const reader = new Reader(rest);
  return {
    keyId: reader.hex(GROUP_KEY_ID_BYTES),
    nonce: reader.bytes(GROUP_NONCE_BYTES),
    sealed: reader.rest(),
  };
}
