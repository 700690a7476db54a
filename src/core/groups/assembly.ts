import { MAX_MESSAGE_BYTES } from "../../wire/constants.js";
import { decodeGroupData, type GroupData, type GroupEntry } from "../../wire/group.js";
import type { Archive } from "./archive.js";

/** A whole message of another member. */
export interface AssembledMessage {
  readonly messageSequence: number;
  readonly sentAtMs: number;
  readonly hlc: number;
  /** A copy: the datagram that it came in may be overwritten. */
  readonly body: Uint8Array;
}

/** The longest message takes some 70 datagrams of ours. A longer run is not looked through. */
const MAX_RUN_DATAGRAMS = 256;

/**
 * Why an entry is passed over: it broke a rule; a later version has to read it; other pieces of its
 * message are held and cannot be read now; or they are lost.
 */
export type PassedOver = "malformed" | "unknown" | "unreadable" | "gone";

/**
 * The messages that are whole once `data` is kept. One that spans datagrams is read from the
 * archive: it is whole when the last piece arrives, whichever that is, a crash in between or not.
 */
export function completedBy(
  archive: Archive,
  data: GroupData,
  passedOver: (why: PassedOver) => void,
): AssembledMessage[] {
  const messages: AssembledMessage[] = [];
  for (const [index, entry] of data.entries.entries()) {
    if (entry.unknown === true) passedOver("unknown");
    else if (!isWellPlaced(data, index, entry)) passedOver("malformed");
    else if (!entry.continued && !entry.continues) messages.push(joined(entry, [entry]));
    else {
      const run = runAround(archive, data, entry);
      if (typeof run === "string") passedOver(run);
      else if (run !== undefined) messages.push(joined(run.at(0) ?? entry, run));
    }
  }
  return messages;
}

/** A message goes on at the end of a datagram, and at the beginning of the next one. */
function isWellPlaced({ entries }: GroupData, index: number, entry: GroupEntry): boolean {
  if (entry.continued && index !== 0) return false;
  if (entry.continues && index !== entries.length - 1) return false;
  // An empty piece would never reach a bound.
  return !entry.continues || entry.body.length > 0;
}

function isLine(data: GroupData, index: number, entry: GroupEntry): boolean {
  return entry.unknown !== true && isWellPlaced(data, index, entry);
}

/** All pieces of the message that `entry` is one of; undefined while some are missing. */
function runAround(
  archive: Archive,
  data: GroupData,
  entry: GroupEntry,
): GroupEntry[] | PassedOver | undefined {
  const { sequence } = data;
  // Cheap first: of what arrives in order the end is missing, and nothing need be read.
  if (entry.continues && !archive.has(data, sequence + 1)) return undefined;
  if (entry.continued && !archive.has(data, sequence - 1)) return undefined;
  const run = [entry];
  const bound = { bytes: MAX_MESSAGE_BYTES - entry.body.length, datagrams: MAX_RUN_DATAGRAMS - 1 };
  const fits = (piece: GroupEntry): boolean => {
    bound.bytes -= piece.body.length;
    bound.datagrams -= 1;
    const isSame = piece.messageSequence === entry.messageSequence;
    return isSame && bound.bytes >= 0 && bound.datagrams >= 0;
  };
  let first = entry;
  for (let at = sequence - 1; first.continued; at -= 1) {
    const kept = read(archive, data, at);
    if (kept === undefined || typeof kept === "string") return kept;
    const before = kept.entries.at(-1);
    if (before === undefined) return undefined;
    const goesOn = before.continues && isLine(kept, kept.entries.length - 1, before);
    if (!goesOn || !fits(before)) return "malformed";
    run.unshift(before);
    first = before;
  }
  let last = entry;
  for (let at = sequence + 1; last.continues; at += 1) {
    const kept = read(archive, data, at);
    if (kept === undefined || typeof kept === "string") return kept;
    const behind = kept.entries.at(0);
    if (behind === undefined) return undefined;
    // Else one run could begin in every datagram of another one, and each would be read to its end.
    const goesOn = behind.continued && isLine(kept, 0, behind);
    if (!goesOn || !fits(behind)) return "malformed";
    run.push(behind);
    last = behind;
  }
  return run;
}

function read(
  archive: Archive,
  data: GroupData,
  sequence: number,
): GroupData | "unreadable" | "gone" | undefined {
  const kept = archive.find(data, sequence);
  return kept === undefined || typeof kept === "string" ? kept : decodeGroupData(kept.bytes);
}

/** `first`: of `run`. */
function joined(first: GroupEntry, run: readonly GroupEntry[]): AssembledMessage {
  const body = new Uint8Array(run.reduce((sum, piece) => sum + piece.body.length, 0));
  let offset = 0;
  for (const piece of run) {
    body.set(piece.body, offset);
    offset += piece.body.length;
  }
  const { messageSequence, sentAtMs, hlc } = first;
  return { messageSequence, sentAtMs, hlc, body };
}
