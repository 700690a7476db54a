/** What becomes of a direct message after it was delivered. PROTOCOL.md section 5.6. */
import { malformed, Reader, Writer } from "./cursor.js";

/** A message id is an incarnation and a message sequence. */
const MESSAGE_ID_BYTES = 16;
/** Messages in one receipt. */
export const MAX_RECEIPT_MESSAGES = 256;

/** Read: a person was shown it. */
const RECEIPT_READ = 1;

/** The body of a receipt record: of messages whose author the receiver of the record is. */
export interface Receipt {
  readonly status: "read";
  /** 32 hexadecimal digits each; one to `MAX_RECEIPT_MESSAGES`. */
  readonly messageIds: readonly string[];
}

export function encodeReceipt({ messageIds }: Receipt): Uint8Array {
  const writer = new Writer(3 + messageIds.length * MESSAGE_ID_BYTES);
  writer.u8(RECEIPT_READ).u16(messageIds.length);
  for (const id of messageIds) writer.hex(id);
  return writer.finish();
}

export function decodeReceipt(body: Uint8Array): Receipt {
  const reader = new Reader(body);
  if (reader.u8() !== RECEIPT_READ) throw malformed("unknown receipt");
  const count = reader.u16();
  if (count === 0 || count > MAX_RECEIPT_MESSAGES) throw malformed("receipt count");
  const messageIds = Array.from({ length: count }, () => reader.hex(MESSAGE_ID_BYTES));
  reader.end();
  return { status: "read", messageIds };
}
