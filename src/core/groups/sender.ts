import { UdpchatError } from "../../errors.js";
import { MAX_MESSAGE_BYTES } from "../../wire/constants.js";
import {
  encodeGroupData,
  GROUP_ENTRIES_BYTES,
  GROUP_ENTRY_OVERHEAD_BYTES,
  type GroupEntry,
  SEALED_GROUP_ENTRIES_BYTES,
  type SequenceRange,
} from "../../wire/group.js";
import { withSignature } from "../../wire/header.js";
import type { CoreContext } from "../context.js";
import type { GroupName } from "./groupName.js";

/** A line to be said. */
export interface GroupLine {
  /** UTF-8, at most 65,536 bytes. */
  readonly body: Uint8Array;
  /** Wall clock, milliseconds since 1970. */
  readonly sentAtMs: number;
  /** Of the hybrid clock. */
  readonly hlc: number;
  readonly messageSequence: number;
}

/** Where an incarnation stands in a group. Its numbers are never used twice. */
export interface SenderPosition {
  /** Highest data sequence sent; 0 for none. */
  readonly lead: number;
  readonly heartbeatSequence: number;
}

/** A datagram of ours that can be repeated. */
interface SentDatagram {
  readonly bytes: Uint8Array;
  repairedAtMs: number;
}

/** Lines that may wait for the token bucket, per group. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** A shorter piece of a long message is not worth its overhead: it starts the next datagram. */
const MIN_PIECE_BYTES = 64;
/** A repair that went out this recently is not sent again: the other NACKs were for the same. */
const MIN_REPAIR_SPACING_MS = 20;

/**
 * What we say in one group: lines become signed datagrams when they are sent, so that a backlog
 * fills them, and the last ones stay for repairs. The number of a datagram is drawn when it is
 * sent: `lead` never promises what nobody can have.
 */
export class Sender {
  readonly #context: CoreContext;
  readonly #group: GroupName;
  /** Room for entries in one datagram. */
  readonly #entriesBytes: number;
  /** Bounded by `MAX_WAITING_BYTES`; those before `#next` are gone. */
  #waiting: GroupLine[] = [];
  #next = 0;
  /** Of the line at `#next`: bytes already sent. */
  #offset = 0;
  #waitingBytes = 0;
  #lead: number;
  #heartbeatSequence: number;
  /** By sequence, contiguous up to `#lead`; bounded by `limits.groupLogDatagrams`. */
  readonly #sent = new Map<number, SentDatagram>();
  /** Sequences to repeat, a subset of `#sent`. */
  readonly #repairs = new Set<number>();
  /** Repairs sent beyond new data, while both wait. */
  #repairsAheadBytes = 0;

  constructor(context: CoreContext, group: GroupName, position: SenderPosition) {
    this.#context = context;
    this.#group = group;
    this.#entriesBytes = group.secret ? SEALED_GROUP_ENTRIES_BYTES : GROUP_ENTRIES_BYTES;
    this.#lead = position.lead;
    this.#heartbeatSequence = position.heartbeatSequence;
  }

  /** Highest data sequence sent; 0 for none. */
  get lead(): number {
    return this.#lead;
  }

  /** Lowest data sequence that can be repeated; `lead + 1` for none. */
  get trail(): number {
    return this.#lead - this.#sent.size + 1;
  }

  get position(): SenderPosition {
    return { lead: this.#lead, heartbeatSequence: this.#heartbeatSequence };
  }

  /** Lines wait to be sent for the first time. */
  get hasLines(): boolean {
    return this.#next < this.#waiting.length;
  }

  get hasRepairs(): boolean {
    return this.#repairs.size > 0;
  }

  nextHeartbeatSequence(): number {
    this.#heartbeatSequence += 1;
    return this.#heartbeatSequence;
  }

  /** Queues a line. Throws MESSAGE_TOO_LARGE, and LIMIT_REACHED while too much waits. */
  say(line: GroupLine): void {
    if (line.body.length > MAX_MESSAGE_BYTES) {
      throw new UdpchatError("MESSAGE_TOO_LARGE", `the message has ${line.body.length} bytes`, {
        remedy: `send at most ${MAX_MESSAGE_BYTES} bytes`,
      });
    }
    const sizeBytes = line.body.length + GROUP_ENTRY_OVERHEAD_BYTES;
    if (this.#waitingBytes + sizeBytes > MAX_WAITING_BYTES) {
      throw new UdpchatError(
        "LIMIT_REACHED",
        `too much is waiting to be sent to ${this.#group.label}`,
        {
          remedy: "wait until it is sent and try again",
        },
      );
    }
    this.#waitingBytes += sizeBytes;
    this.#waiting.push(line);
  }

  /** Gives up the lines that were never sent. */
  dropLines(): void {
    this.#waiting = [];
    this.#next = 0;
    this.#offset = 0;
    this.#waitingBytes = 0;
  }

  /**
   * The next datagram to send, before its seal; undefined if nothing waits. A repair goes before a
   * new one, but while both wait repairs take no more than their half: whoever asks for them
   * without end must not silence us.
   */
  take(nowMs: number): Uint8Array | undefined {
    const repair =
      this.#repairsAheadBytes > 0 && this.hasLines ? undefined : this.#takeRepair(nowMs);
    if (repair !== undefined) {
      this.#repairsAheadBytes = this.hasLines ? this.#repairsAheadBytes + repair.length : 0;
      return repair;
    }
    if (!this.hasLines) return undefined;
    const bytes = this.#takeNew();
    const aheadBytes = this.hasRepairs ? this.#repairsAheadBytes - bytes.length : 0;
    this.#repairsAheadBytes = Math.max(0, aheadBytes);
    return bytes;
  }

  #takeRepair(nowMs: number): Uint8Array | undefined {
    for (const sequence of this.#repairs) {
      this.#repairs.delete(sequence);
      const sent = this.#sent.get(sequence);
      if (sent === undefined) continue; // pushed out by newer data
      sent.repairedAtMs = nowMs;
      this.#context.counters.add("repairsSent");
      return sent.bytes;
    }
    return undefined;
  }

  #takeNew(): Uint8Array {
    this.#lead += 1;
    const { identity, incarnation, limits, name } = this.#context;
    const unsigned = encodeGroupData({
      groupId: this.#group.groupId,
      device: identity.device,
      incarnation,
      sequence: this.#lead,
      name,
      entries: this.#packEntries(),
    });
    const bytes = withSignature(unsigned, identity.sign(unsigned));
    this.#sent.set(this.#lead, { bytes, repairedAtMs: Number.NEGATIVE_INFINITY });
    if (this.#sent.size > limits.groupLogDatagrams) this.#sent.delete(this.trail);
    return bytes;
  }

  /** Fills one datagram. A line that would fit a datagram of its own is never cut. */
  #packEntries(): GroupEntry[] {
    const entries: GroupEntry[] = [];
    let roomBytes = this.#entriesBytes;
    for (;;) {
      const line = this.#waiting[this.#next];
      if (line === undefined) break;
      const restBytes = line.body.length - this.#offset;
      const wholeBytes = restBytes + GROUP_ENTRY_OVERHEAD_BYTES;
      if (wholeBytes <= roomBytes) {
        entries.push(this.#entry(line, line.body.length));
        roomBytes -= wholeBytes;
        this.#lineDone(line);
        continue;
      }
      const pieceBytes = roomBytes - GROUP_ENTRY_OVERHEAD_BYTES;
      const fitsOneDatagram = this.#offset === 0 && wholeBytes <= this.#entriesBytes;
      if (!fitsOneDatagram && pieceBytes >= MIN_PIECE_BYTES) {
        const end = this.#offset + pieceBytes;
        entries.push(this.#entry(line, end));
        this.#offset = end;
      }
      break;
    }
    return entries;
  }

  #entry(line: GroupLine, end: number): GroupEntry {
    return {
      messageSequence: line.messageSequence,
      sentAtMs: line.sentAtMs,
      hlc: line.hlc,
      continues: end < line.body.length,
      continued: this.#offset > 0,
      body: line.body.subarray(this.#offset, end),
    };
  }

  #lineDone(line: GroupLine): void {
    this.#offset = 0;
    this.#waitingBytes -= line.body.length + GROUP_ENTRY_OVERHEAD_BYTES;
    this.#next += 1;
    // The array is cut now and then and not at every line: each cut moves all that is left.
    if (this.#next === this.#waiting.length || this.#next >= 1024) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
  }

  /** Sequences of `ranges` that would be repeated now; costs no more than the repair window. */
  repairable(nowMs: number, ranges: readonly SequenceRange[], grttMs: number): number[] {
    const spacingMs = Math.max(MIN_REPAIR_SPACING_MS, grttMs);
    const wanted: number[] = [];
    for (const range of ranges) {
      const last = Math.min(range.last, this.#lead);
      for (let sequence = Math.max(range.first, this.trail); sequence <= last; sequence += 1) {
        const sent = this.#sent.get(sequence);
        const recent = sent === undefined || nowMs - sent.repairedAtMs < spacingMs;
        if (!recent && !this.#repairs.has(sequence)) wanted.push(sequence);
      }
    }
    return wanted;
  }

  queueRepairs(sequences: readonly number[]): void {
    for (const sequence of sequences) this.#repairs.add(sequence);
  }
}
