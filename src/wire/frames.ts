/** What is inside a sealed datagram: a run of frames. PROTOCOL.md section 5. */
import { MAX_RANGES } from "./constants.js";
import { malformed, Reader, varintBytes, type Writer } from "./cursor.js";
import type { SequenceRange } from "./group.js";

export const FrameType = {
  padding: 0x00,
  ping: 0x01,
  ack: 0x02,
  message: 0x03,
  fragment: 0x04,
  advance: 0x05,
  close: 0x06,
} as const;

/** Texts are delivered first in, first out; everything else as it comes. */
export const Lane = { ordered: 0, requests: 1, replies: 2, bulk: 3 } as const;
/** By code. */
export const LANES: readonly LaneCode[] = Object.values(Lane);
export type LaneCode = (typeof Lane)[keyof typeof Lane];

/** Asks for an acknowledgement and carries nothing. */
export interface PingFrame {
  readonly type: typeof FrameType.ping;
}

/** Packet numbers that arrived (RFC 9000 section 19.3), and how many more may be in flight. */
export interface AckFrame {
  readonly type: typeof FrameType.ack;
  /** How long the largest was held back, microseconds. */
  readonly delayUs: number;
  readonly creditDatagrams: number;
  /** Descending and apart, the largest first; at most `MAX_RANGES`. */
  readonly ranges: readonly SequenceRange[];
}

/** Where a record stands in its lane. */
export interface LanePosition {
  readonly lane: LaneCode;
  /** 1, 2, 3, ... per lane. */
  readonly sequence: number;
  /** Everything of the lane below this is settled: arrived or given up. */
  readonly base: number;
}

/** A whole record. */
export interface MessageFrame extends LanePosition {
  readonly type: typeof FrameType.message;
  readonly record: Uint8Array;
}

/** A slice of a record that does not fit one datagram. */
export interface FragmentFrame extends LanePosition {
  readonly type: typeof FrameType.fragment;
  readonly totalBytes: number;
  readonly offset: number;
  readonly slice: Uint8Array;
}

/** The sender gave up what is below `base`: do not wait for it. */
export interface AdvanceFrame {
  readonly type: typeof FrameType.advance;
  readonly lane: LaneCode;
  readonly base: number;
}

/** The sender forgets this session. */
export interface CloseFrame {
  readonly type: typeof FrameType.close;
  readonly reason: number;
}

export type Frame = PingFrame | AckFrame | MessageFrame | FragmentFrame | AdvanceFrame | CloseFrame;

/** Bytes that a message frame takes around its record, at most. */
export function messageFrameBytes(position: LanePosition, recordBytes: number): number {
  return 2 + positionBytes(position) + varintBytes(recordBytes) + recordBytes;
}

/** Bytes that a fragment frame takes around its slice, at most. */
export function fragmentOverheadBytes(position: LanePosition, totalBytes: number): number {
  return 2 + positionBytes(position) + 2 * varintBytes(totalBytes) + 2;
}

function positionBytes(position: LanePosition): number {
  return varintBytes(position.sequence) + varintBytes(position.sequence - position.base);
}

export function writeFrame(writer: Writer, frame: Frame): void {
  writer.u8(frame.type);
  switch (frame.type) {
    case FrameType.ping:
      return;
    case FrameType.ack:
      writeAck(writer, frame);
      return;
    case FrameType.message:
      writePosition(writer, frame).varint(frame.record.length).bytes(frame.record);
      return;
    case FrameType.fragment:
      writePosition(writer, frame)
        .varint(frame.totalBytes)
        .varint(frame.offset)
        .varint(frame.slice.length)
        .bytes(frame.slice);
      return;
    case FrameType.advance:
      writer.u8(frame.lane).varint(frame.base);
      return;
    case FrameType.close:
      writer.u8(frame.reason);
  }
}

function writePosition(writer: Writer, position: LanePosition): Writer {
  return writer
    .u8(position.lane)
    .varint(position.sequence)
    .varint(position.sequence - position.base);
}

function writeAck(writer: Writer, ack: AckFrame): void {
  writer.varint(ack.delayUs).varint(ack.creditDatagrams).u8(ack.ranges.length);
  let previousFirst: number | undefined;
  for (const { first, last } of ack.ranges) {
    writer.varint(previousFirst === undefined ? last : previousFirst - last).varint(last - first);
    previousFirst = first;
  }
}

/** Bytes that an ACK frame takes. */
export function ackFrameBytes(ack: AckFrame): number {
  let sizeBytes = 2 + varintBytes(ack.delayUs) + varintBytes(ack.creditDatagrams);
  let previousFirst: number | undefined;
  for (const { first, last } of ack.ranges) {
    sizeBytes += varintBytes(previousFirst === undefined ? last : previousFirst - last);
    sizeBytes += varintBytes(last - first);
    previousFirst = first;
  }
  return sizeBytes;
}

/** All frames of an opened payload, or `MALFORMED_DATAGRAM`: nothing of it is acted on then. */
export function readFrames(payload: Uint8Array): Frame[] {
  const reader = new Reader(payload);
  const frames: Frame[] = [];
  while (reader.remainingBytes > 0) {
    const type = reader.u8();
    if (type !== FrameType.padding) frames.push(readFrame(reader, type));
  }
  return frames;
}

function readFrame(reader: Reader, type: number): Frame {
  switch (type) {
    case FrameType.ping:
      return { type };
    case FrameType.ack:
      return readAck(reader);
    case FrameType.message: {
      const { lane, sequence, base } = readPosition(reader);
      return { type, lane, sequence, base, record: reader.bytes(reader.varint()) };
    }
    case FrameType.fragment: {
      const position = readPosition(reader);
      const totalBytes = reader.varint();
      const offset = reader.varint();
      const slice = reader.bytes(reader.varint());
      if (slice.length === 0 || offset + slice.length > totalBytes) throw malformed("fragment");
      return { type, ...position, totalBytes, offset, slice };
    }
    case FrameType.advance:
      return { type, lane: readLane(reader), base: reader.varint() };
    case FrameType.close:
      return { type, reason: reader.u8() };
    default:
      throw malformed("unknown frame");
  }
}

function readLane(reader: Reader): LaneCode {
  const lane = LANES[reader.u8()];
  if (lane === undefined) throw malformed("unknown lane");
  return lane;
}

function readPosition(reader: Reader): LanePosition {
  const lane = readLane(reader);
  const sequence = reader.varint();
  const base = sequence - reader.varint();
  if (base < 1) throw malformed("lane position");
  return { lane, sequence, base };
}

function readAck(reader: Reader): AckFrame {
  const delayUs = reader.varint();
  const creditDatagrams = reader.varint();
  const count = reader.u8();
  if (count === 0 || count > MAX_RANGES) throw malformed("range count");
  const ranges: SequenceRange[] = [];
  let previousFirst: number | undefined;
  for (let i = 0; i < count; i += 1) {
    const distance = reader.varint();
    if (previousFirst !== undefined && distance < 2) throw malformed("ranges touch");
    const last = previousFirst === undefined ? distance : previousFirst - distance;
    const first = last - reader.varint();
    if (first < 0) throw malformed("range below 0");
    ranges.push({ first, last });
    previousFirst = first;
  }
  return { type: FrameType.ack, delayUs, creditDatagrams, ranges };
}
