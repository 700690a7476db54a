import { UdpchatError } from "../../errors.js";
import { MAX_MESSAGE_BYTES } from "../../wire/constants.js";
import {
  encodeGroupData,
  GROUP_ENTRY_OVERHEAD_BYTES,
  type GroupEntry,
  groupEntriesBytes,
  groupEntryOverheadBytes,
} from "../../wire/group.js";
import { withSignature } from "../../wire/header.js";
import type { Instance } from "../../wire/presence.js";
import { messageId } from "../../wire/record.js";
import type { CoreContext } from "../context.js";
import type { Archive } from "./archive.js";
import { ArchiveShare } from "./archiveShare.js";
import type { GroupName } from "./groupName.js";
import { Repairs } from "./repairs.js";

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
  /** Of the key that the latest of them was said under, and the first one under it. */
  readonly keyId: string | undefined;
  readonly firstUnderKey: number;
}

/** Of an incarnation that was never in the group. */
export const AT_THE_BEGINNING: SenderPosition = {
  lead: 0,
  heartbeatSequence: 0,
  keyId: undefined,
  firstUnderKey: 1,
};

/** A datagram to send, before its seal. */
export interface Outgoing {
  readonly bytes: Uint8Array;
  /** Of ours or, as a repair, of anybody. */
  readonly of: Instance;
  readonly isRepair: boolean;
}

/** Lines that may wait for the token bucket, per group. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** A shorter piece of a long message is not worth its overhead: it starts the next datagram. */
const MIN_PIECE_BYTES = 64;

/**
 * What we say in one group: lines become signed datagrams when they are sent, so that a backlog
 * fills them, and are kept in the archive, from which repairs are read: of what we said and of what
 * others said. The number of a datagram is drawn when it is sent: `lead` never promises what nobody
 * can have.
 */
export class Sender {
  readonly archive: Archive;
  readonly repairs: Repairs;
  readonly #share: ArchiveShare;
  readonly #instance: Instance;
  readonly #context: CoreContext;
  readonly #group: GroupName;
  /** Room for entries in one datagram. */
  /** Bounded by `MAX_WAITING_BYTES`; those before `#next` are gone. */
  #waiting: GroupLine[] = [];
  #next = 0;
  /** Of the line at `#next`: bytes already sent. */
  #offset = 0;
  #waitingBytes = 0;
  #lead: number;
  #heartbeatSequence: number;
  /** Of the key that the latest datagram was said under, and the first one under it. */
  #keyId: string | undefined;
  #firstUnderKey = 1;
  /** Repairs sent beyond new data, while both wait. */
  #repairsAheadBytes = 0;

  constructor(context: CoreContext, group: GroupName, position: SenderPosition, archive: Archive) {
    this.#context = context;
    this.#group = group;
    this.archive = archive;
    this.repairs = new Repairs(context.counters, archive);
    this.#share = new ArchiveShare(archive, context.identity.device);
    this.#instance = { device: context.identity.device, incarnation: context.incarnation };
    this.#lead = position.lead;
    this.#heartbeatSequence = position.heartbeatSequence;
    this.#firstUnderKey = position.firstUnderKey;
    this.#keyId = position.keyId;
  }

  /** What a datagram holds beside our name. */
  get #entriesBytes(): number {
    return groupEntriesBytes(this.#context.name, this.#group.secret);
  }

  /** Highest data sequence sent; 0 for none. */
  get lead(): number {
    return this.#lead;
  }

  /**
   * The lowest data sequence that can be repeated to all who have the key `keyId`; `lead + 1` for
   * none.
   */
  trail(keyId: string | undefined): number {
    const lowest = this.archive.lowest(this.#instance);
    if (lowest === 0 || keyId !== this.#keyId) return this.#lead + 1;
    return Math.max(lowest, this.#firstUnderKey);
  }

  /** The latest that we said is kept, and all before it but for what was forgotten on purpose. */
  get keepsAllSaid(): boolean {
    const [archive, of] = [this.archive, this.#instance];
    return archive.has(of, this.#lead) && archive.missing(of, 1, this.#lead, 1).length === 0;
  }

  get position(): SenderPosition {
    return {
      lead: this.#lead,
      heartbeatSequence: this.#heartbeatSequence,
      keyId: this.#keyId,
      firstUnderKey: this.#firstUnderKey,
    };
  }

  /** We are it, in this start. */
  isOurs({ device, incarnation }: Instance): boolean {
    return device === this.#instance.device && incarnation === this.#instance.incarnation;
  }

  /** Lines wait to be sent for the first time. */
  get hasLines(): boolean {
    return this.#next < this.#waiting.length;
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

  /** Gives up the lines that were never sent, or not completely. */
  dropLines(): void {
    for (const { messageSequence } of this.#waiting.slice(this.#next)) {
      this.#context.outputs.event({
        kind: "groupUnsaid",
        groupId: this.#group.groupId,
        messageId: messageId(this.#context.incarnation, messageSequence),
      });
    }
    this.#waiting = [];
    this.#next = 0;
    this.#offset = 0;
    this.#waitingBytes = 0;
  }

  /** When something may be taken, if something waits: now or earlier for now. */
  readyAtMs(nowMs: number): number {
    return this.repairs.isEmpty ? this.#share.readyAtMs(nowMs) : nowMs;
  }

  /** Lines wait that may be said now. */
  hasLinesFor(nowMs: number): boolean {
    return this.hasLines && this.#share.readyAtMs(nowMs) <= nowMs;
  }

  /**
   * The next datagram to send; undefined if nothing waits, or may be said now. `keyId`: of the key
   * that it will be sealed with. A repair goes before a new one, but while both wait repairs take no more than
   * their half: whoever asks for them without end must not silence us.
   */
  take(nowMs: number, keyId: string | undefined): Outgoing | undefined {
    const hasLines = this.hasLinesFor(nowMs);
    const isTheirTurn = this.#repairsAheadBytes <= 0 || !hasLines;
    const repair = isTheirTurn ? this.repairs.take(nowMs, keyId) : undefined;
    if (repair !== undefined) {
      this.#repairsAheadBytes = hasLines ? this.#repairsAheadBytes + repair.bytes.length : 0;
      return { ...repair, isRepair: true };
    }
    if (!hasLines) return undefined;
    const bytes = this.#takeNew(keyId);
    this.#share.said(nowMs);
    const aheadBytes = this.repairs.isEmpty ? 0 : this.#repairsAheadBytes - bytes.length;
    this.#repairsAheadBytes = Math.max(0, aheadBytes);
    return { bytes, of: this.#instance, isRepair: false };
  }

  #takeNew(keyId: string | undefined): Uint8Array {
    this.#lead += 1;
    if (keyId !== this.#keyId) this.#firstUnderKey = this.#lead;
    this.#keyId = keyId;
    const { identity, name } = this.#context;
    const said: GroupLine[] = [];
    const entries = this.#packEntries(said);
    const { groupId } = this.#group;
    const sequence = this.#lead;
    const unsigned = encodeGroupData({ groupId, ...this.#instance, sequence, name, entries });
    const bytes = withSignature(unsigned, identity.sign(unsigned));
    const hlc = Math.max(...entries.map((entry) => entry.hlc));
    this.archive.keep(this.#instance, hlc, { sequence, bytes, keyId });
    for (const line of said) this.#tellSaid(line);
    return bytes;
  }

  #tellSaid({ messageSequence, sentAtMs, hlc, body }: GroupLine): void {
    this.#context.outputs.event({
      kind: "groupSaid",
      groupId: this.#group.groupId,
      messageId: messageId(this.#context.incarnation, messageSequence),
      sentAtMs,
      hlc,
      body,
      sequence: this.#lead,
    });
  }

  /**
   * Fills one datagram. A line that would fit a datagram of its own is never cut. `said` is given
   * the lines that end in it.
   */
  #packEntries(said: GroupLine[]): GroupEntry[] {
    const entries: GroupEntry[] = [];
    let roomBytes = this.#entriesBytes;
    for (;;) {
      const line = this.#waiting[this.#next];
      if (line === undefined) break;
      const restBytes = line.body.length - this.#offset;
      const wholeBytes = restBytes + groupEntryOverheadBytes(line, restBytes);
      if (wholeBytes <= roomBytes) {
        entries.push(this.#entry(line, line.body.length));
        roomBytes -= wholeBytes;
        this.#lineDone(line);
        said.push(line);
        continue;
      }
      const pieceBytes = roomBytes - groupEntryOverheadBytes(line, roomBytes);
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
}
