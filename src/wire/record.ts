/** The record that a lane carries: a text, a request, a reply or a note. PROTOCOL.md section 5.3. */
import { MAX_MESSAGE_BYTES } from "./constants.js";
import { fromHex, malformed, Reader, Writer } from "./cursor.js";
import { Lane } from "./frames.js";

export const RecordKind = {
  text: 0,
  request: 1,
  reply: 2,
  groupKey: 3,
  groupSync: 4,
  receipt: 5,
  examination: 6,
} as const;

/** Which lane carries a kind of record. */
export const LANE_OF_KIND = {
  [RecordKind.text]: Lane.ordered,
  [RecordKind.request]: Lane.requests,
  [RecordKind.reply]: Lane.replies,
  [RecordKind.groupKey]: Lane.ordered,
  [RecordKind.groupSync]: Lane.bulk,
  [RecordKind.receipt]: Lane.bulk,
  [RecordKind.examination]: Lane.bulk,
} as const;

/** How a request ended at the other side. */
export const ReplyStatus = {
  ok: 0,
  /** Nobody there answers requests. */
  noHandler: 1,
  /** The handler failed; the body says why. */
  failed: 2,
  /** The outcome is no longer known there; the request was not executed again. */
  expired: 3,
  /** Not allowed. */
  refused: 4,
  /** Too many requests are running there. */
  busy: 5,
} as const;
export type ReplyStatusCode = (typeof ReplyStatus)[keyof typeof ReplyStatus];

interface RecordBase {
  /** The author's incarnation when the message was written, 16 hexadecimal digits. */
  readonly incarnation: string;
  /** Of that incarnation; with it, the id of the message. */
  readonly messageSequence: number;
  /** The author's wall clock, milliseconds since 1970. */
  readonly sentAtMs: number;
  readonly body: Uint8Array;
}

export interface TextRecord extends RecordBase {
  readonly kind: typeof RecordKind.text;
}

export interface RequestRecord extends RecordBase {
  readonly kind: typeof RecordKind.request;
}

export interface ReplyRecord extends RecordBase {
  readonly kind: typeof RecordKind.reply;
  /** Lane sequence of the request in the requester's lane of requests. */
  readonly requestSequence: number;
  readonly status: ReplyStatusCode;
}

/** The key of a secret group, from one node to another: the body is a `GroupKeyNote`. */
export interface GroupKeyRecord extends RecordBase {
  readonly kind: typeof RecordKind.groupKey;
}

/** What a member holds of a group, or what another one lacks: the body is a `GroupSync`. */
export interface GroupSyncRecord extends RecordBase {
  readonly kind: typeof RecordKind.groupSync;
}

/** What became of messages of the receiver: the body is a `Receipt`. */
export interface ReceiptRecord extends RecordBase {
  readonly kind: typeof RecordKind.receipt;
}

/** How the way between two nodes is: the body is an `Examination`. */
export interface ExaminationRecord extends RecordBase {
  readonly kind: typeof RecordKind.examination;
}

export type MessageRecord =
  | TextRecord
  | RequestRecord
  | ReplyRecord
  | GroupKeyRecord
  | GroupSyncRecord
  | ReceiptRecord
  | ExaminationRecord;

/** kind, incarnation, three varints, status. */
const MAX_RECORD_OVERHEAD_BYTES = 1 + 8 + 8 + 8 + 8 + 1;
export const MAX_RECORD_BYTES = MAX_MESSAGE_BYTES + MAX_RECORD_OVERHEAD_BYTES;

export function encodeRecord(record: MessageRecord): Uint8Array {
  const writer = new Writer(MAX_RECORD_OVERHEAD_BYTES + record.body.length)
    .u8(record.kind)
    .bytes(incarnationMemo.bytesOf(record.incarnation))
    .varint(record.messageSequence)
    .varint(record.sentAtMs);
  if (record.kind === RecordKind.reply) {
    writer.varint(record.requestSequence).u8(record.status);
  }
  return writer.bytes(record.body).finish();
}

export function decodeRecord(bytes: Uint8Array): MessageRecord {
  const reader = new Reader(bytes);
  const kind = reader.u8();
  const incarnation = incarnationMemo.textOf(reader.u32(), reader.u32());
  const messageSequence = reader.varint();
  const sentAtMs = reader.varint();
  let record: MessageRecord;
  if (kind === RecordKind.reply) {
    const requestSequence = reader.varint();
    const status = readStatus(reader.u8());
    const body = reader.rest();
    record = { kind, incarnation, messageSequence, sentAtMs, requestSequence, status, body };
  } else if (isPlainKind(kind)) {
    record = { kind, incarnation, messageSequence, sentAtMs, body: reader.rest() };
  } else {
    throw malformed("unknown record");
  }
  if (record.body.length > MAX_MESSAGE_BYTES) throw malformed("message too large");
  return record;
}

/** The incarnations that were converted last: records of one author come one after another. */
class IncarnationMemo {
  #written = "";
  #bytes: Uint8Array = new Uint8Array(0);
  #high = -1;
  #low = -1;
  #read = "";

  /** The bytes of 16 hexadecimal digits. */
  bytesOf(incarnation: string): Uint8Array {
    if (incarnation !== this.#written) {
      this.#bytes = fromHex(incarnation);
      this.#written = incarnation;
    }
    return this.#bytes;
  }

  /** The digits of two times 32 bits. */
  textOf(high: number, low: number): string {
    if (high !== this.#high || low !== this.#low) {
      this.#read = hexDigits(high, 8) + hexDigits(low, 8);
      this.#high = high;
      this.#low = low;
    }
    return this.#read;
  }
}

const ZEROS = "0".repeat(16);
const incarnationMemo = new IncarnationMemo();

function hexDigits(value: number, count: number): string {
  const digits = value.toString(16);
  return ZEROS.slice(0, count - digits.length) + digits;
}

type PlainKind = Exclude<MessageRecord["kind"], typeof RecordKind.reply>;
const PLAIN_KINDS: ReadonlySet<number> = new Set(
  Object.values(RecordKind).filter((kind) => kind !== RecordKind.reply),
);

/** With nothing between the common fields and the body. */
function isPlainKind(kind: number): kind is PlainKind {
  return PLAIN_KINDS.has(kind);
}

const REPLY_STATUSES: readonly ReplyStatusCode[] = Object.values(ReplyStatus);

/** One that a later version has is a failure of some kind: who asked must not wait for another. */
function readStatus(value: number): ReplyStatusCode {
  return REPLY_STATUSES[value] ?? ReplyStatus.failed;
}

/** The id of a message as people and scripts see it: 32 hexadecimal digits, unique everywhere. */
export function messageId(incarnation: string, messageSequence: number): string {
  return incarnation + hexDigits(messageSequence, 16);
}

const MESSAGE_ID = /^[0-9a-f]{32}$/;

/** What a message id is made of. Throws MALFORMED_DATAGRAM if it is none. */
export function messageIdParts(id: string): { incarnation: string; messageSequence: number } {
  const messageSequence = Number.parseInt(id.slice(16), 16);
  if (!MESSAGE_ID.test(id) || !Number.isSafeInteger(messageSequence)) {
    throw malformed("message id");
  }
  return { incarnation: id.slice(0, 16), messageSequence };
}
