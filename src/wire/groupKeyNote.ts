/** The key of a secret group, as it travels inside a session. PROTOCOL.md section 6.7. */
import {
  DEVICE_BYTES,
  GROUP_ID_BYTES,
  GROUP_KEY_ID_BYTES,
  MAX_DATAGRAM_BYTES,
  SIGNATURE_BYTES,
} from "./constants.js";
import { decodeUtf8, encodeUtf8, malformed, Reader, Writer } from "./cursor.js";

export const GroupKeyPurpose = {
  /** To somebody who is not a member: here is the key, if you want to join. */
  invitation: 0,
  /** To a member: from now on this is the key. */
  rotation: 1,
  /** To a former member: the key was changed, and you are not given it. */
  removal: 2,
} as const;
export type GroupKeyPurposeCode = (typeof GroupKeyPurpose)[keyof typeof GroupKeyPurpose];

/** Devices that a key is kept from, named in one note: the latest. */
export const MAX_REMOVED_DEVICES = 16;
/** `#` and 64 bytes, or an address and a port. */
const MAX_LABEL_BYTES = 65;
const KEY_BYTES = 32;
const PROOF_BYTES = 16;
/** A note with everything at its longest, and room for extensions. */
const MAX_NOTE_BYTES = MAX_DATAGRAM_BYTES;

export interface GroupKeyNote {
  readonly purpose: GroupKeyPurposeCode;
  /** Of the secret group, 16 hexadecimal digits. */
  readonly groupId: string;
  /** As people name the group. */
  readonly label: string;
  /** Grows by one with every change of the key; 0 is the key of the passphrase. */
  readonly epoch: number;
  /** 64 hexadecimal digits; in a removal `keyInRemoval` of the key's id. */
  readonly key: string;
  /** Who changed the key last: device, or the inviter if nobody has. */
  readonly by: string;
  /** Whom it is kept from, the latest last; at most `MAX_REMOVED_DEVICES`. */
  readonly removed: readonly string[];
  /** Ed25519, by `by`, over what `groupKeyStatement` makes of the fields above. */
  readonly signature: Uint8Array;
  /** The key that the receiver is known to have, 16 hexadecimal digits; zeros in an invitation. */
  readonly proofKeyId: string;
  /** Made with that key over everything before it: the sender was a member. Zeros likewise. */
  readonly proof: Uint8Array;
}

/** The key in a removal: what the statement names, followed by zeros, and no key. */
export function keyInRemoval(keyId: string): string {
  return keyId.padEnd(2 * KEY_BYTES, "0");
}

/** The key's id that a removal tells; undefined if it is not followed by zeros. */
export function keyIdInRemoval(key: string): string | undefined {
  const keyId = key.slice(0, 2 * GROUP_KEY_ID_BYTES);
  return keyInRemoval(keyId) === key ? keyId : undefined;
}

/** What `by` signs: domain, then the fields in the order of the wire, with the key's id for the key. */
export function groupKeyStatement(
  note: Pick<GroupKeyNote, "groupId" | "label" | "epoch" | "by" | "removed">,
  keyId: string,
): Uint8Array {
  const writer = new Writer(MAX_NOTE_BYTES).bytes(encodeUtf8("udpchat group key statement 1\n"));
  writeStatementFields(writer, note);
  return writer.hex(keyId).finish();
}

export function encodeGroupKeyNote(note: GroupKeyNote): Uint8Array {
  const writer = writeProven(new Writer(MAX_NOTE_BYTES), note);
  return writer.bytes(note.proof).u8(0).finish();
}

/** What `proof` is made over: everything before it. */
export function provenPart(note: Omit<GroupKeyNote, "proof">): Uint8Array {
  return writeProven(new Writer(MAX_NOTE_BYTES), note).finish();
}

export function decodeGroupKeyNote(body: Uint8Array): GroupKeyNote {
  const reader = new Reader(body);
  const purpose = readPurpose(reader.u8());
  const groupId = reader.hex(GROUP_ID_BYTES);
  const label = readLabel(reader);
  const epoch = reader.varint();
  const by = reader.hex(DEVICE_BYTES);
  const count = reader.u8();
  if (count > MAX_REMOVED_DEVICES) throw malformed("too many removed devices");
  const removed: string[] = [];
  for (let i = 0; i < count; i += 1) removed.push(reader.hex(DEVICE_BYTES));
  const note: GroupKeyNote = {
    purpose,
    groupId,
    label,
    epoch,
    by,
    removed,
    key: reader.hex(KEY_BYTES),
    signature: reader.bytes(SIGNATURE_BYTES),
    proofKeyId: reader.hex(GROUP_KEY_ID_BYTES),
    proof: reader.bytes(PROOF_BYTES),
  };
  reader.shortBytes(); // extensions of later minor revisions
  reader.end();
  return note;
}

function writeProven(writer: Writer, note: Omit<GroupKeyNote, "proof">): Writer {
  writer.u8(note.purpose);
  writeStatementFields(writer, note);
  return writer.hex(note.key).bytes(note.signature).hex(note.proofKeyId);
}

function writeStatementFields(
  writer: Writer,
  note: Pick<GroupKeyNote, "groupId" | "label" | "epoch" | "by" | "removed">,
): void {
  writer.hex(note.groupId).shortBytes(encodeUtf8(note.label)).varint(note.epoch).hex(note.by);
  writer.u8(note.removed.length);
  for (const device of note.removed) writer.hex(device);
}

function readLabel(reader: Reader): string {
  const bytes = reader.shortBytes();
  if (bytes.length === 0 || bytes.length > MAX_LABEL_BYTES) throw malformed("label");
  return decodeUtf8(bytes);
}

const PURPOSES: readonly GroupKeyPurposeCode[] = Object.values(GroupKeyPurpose);

function readPurpose(value: number): GroupKeyPurposeCode {
  const purpose = PURPOSES[value];
  if (purpose === undefined) throw malformed("unknown purpose");
  return purpose;
}
