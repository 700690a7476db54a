import { decodeGroupData, type GroupData } from "../../wire/group.js";
import { messageId } from "../../wire/record.js";
import type { Address, PeerRef } from "../io.js";
import type { Alarm } from "../timers.js";
import type { Archive } from "./archive.js";
import { completedBy, type PassedOver } from "./assembly.js";
import type { GroupsContext } from "./groupsContext.js";
import type { Arrival } from "./heldDatagrams.js";
import { boundedReading, latestReading } from "./hybridClock.js";
import type { Members } from "./members.js";

type IntakeContext = Pick<
  GroupsContext,
  "clock" | "counters" | "outputs" | "wallMs" | "oldestHlc" | "addressOf" | "timers"
>;

/** Of an author whom nobody has found while we were here. */
const NOWHERE: Address = { address: "", port: 0 };

/** What cannot be read now is tried again after this: a failed disk is looked at as often. */
const TRY_AGAIN_MS = 5000;
/**
 * Put off in one group. What comes while a disk fails can be read, so it is one for each author who
 * was in the middle of a long line, or had a hole there that is filled now.
 */
const MAX_PUT_OFF = 64;

/**
 * Where what others say becomes ours: it is kept, and every message that it completes is told, in
 * one turn. So what is held was told, and what is not held was not, whenever the power fails: a
 * datagram is kept when it is its turn and not when it arrives, or a crash would take those that
 * waited for an earlier one, with nobody to bring them again. For the same reason what completes a
 * message whose other pieces cannot be read now is put off: it is not kept until they can be.
 */
export class Intake {
  readonly #context: IntakeContext;
  readonly #groupId: string;
  readonly #archive: Archive;
  readonly #members: Pick<Members, "find" | "peer">;
  /** By stream and sequence, the bytes are copies; at most `MAX_PUT_OFF`. */
  readonly #putOff = new Map<string, Arrival>();
  readonly #tryAgain: Alarm = (nowMs) => this.#onTryAgain(nowMs);

  constructor(
    context: IntakeContext,
    groupId: string,
    archive: Archive,
    members: Pick<Members, "find" | "peer">,
  ) {
    this.#context = context;
    this.#groupId = groupId;
    this.#archive = archive;
    this.#members = members;
  }

  /** Nothing more is told; what was put off others may bring at another time. */
  close(): void {
    this.#putOff.clear();
    this.#context.timers.clear(this.#tryAgain);
  }

  /** @returns false if it is known, too old, or put off */
  take(nowMs: number, data: GroupData, arrival: Arrival): boolean {
    const { clock, counters, outputs } = this.#context;
    const wallMs = this.#context.wallMs(nowMs);
    const latest = latestReading(data.entries);
    clock.heard(latest);
    const hlc = boundedReading(latest, wallMs);
    const { sequence } = data;
    const key = keyOf(data);
    const before = this.#putOff.get(key);
    this.#putOff.delete(key);
    const first = before ?? arrival;
    const { bytes, keyId, live } = first;
    // What is said now is heard, however far back the clock of its author is.
    if (live !== true && hlc < this.#context.oldestHlc(nowMs)) {
      counters.add("groupDatagramsTooOld");
      this.#archive.refuseUpTo(data, sequence);
      return false;
    }
    if (this.#archive.isKnown(data, sequence)) return false;
    const passedOver: PassedOver[] = [];
    const completed = completedBy(this.#archive, data, (why) => passedOver.push(why));
    if (passedOver.includes("unreadable") && this.#putsOff(nowMs, key, first)) {
      if (before === undefined) counters.add("groupDatagramsPutOff");
      return false;
    }
    // Something that it said later may have come while this was put off.
    const isOvertaken = before !== undefined && this.#archive.highest(data) > sequence;
    const late = first.late || isOvertaken;
    this.#archive.keep(data, hlc, { sequence, bytes, keyId });
    // What it said in a later start came before.
    const laterHlc = this.#archive.latestHlcElsewhere(data);
    for (const why of passedOver) this.#passedOver(data, why);
    let author: PeerRef | undefined;
    for (const message of completed) {
      author ??= this.#author(data);
      const messageHlc = boundedReading(message.hlc, wallMs);
      outputs.event({
        kind: "groupMessage",
        groupId: this.#groupId,
        from: author,
        messageId: messageId(data.incarnation, message.messageSequence),
        sentAtMs: message.sentAtMs,
        hlc: messageHlc,
        late: late || messageHlc < laterHlc,
        body: message.body,
      });
    }
    return true;
  }

  #passedOver(data: GroupData, why: PassedOver): void {
    const { counters, outputs } = this.#context;
    if (why === "unknown") counters.add("groupEntriesUnknown");
    else if (why === "malformed") counters.add("datagramsMalformed");
    else {
      counters.add("gaps");
      outputs.event({ kind: "gap", groupId: this.#groupId, from: this.#author(data), count: 1 });
    }
  }

  /** False if there is no room for it: what it completes is lost to us. */
  #putsOff(nowMs: number, key: string, arrival: Arrival): boolean {
    if (this.#putOff.size >= MAX_PUT_OFF) return false;
    this.#putOff.set(key, { ...arrival, bytes: new Uint8Array(arrival.bytes) });
    const { timers } = this.#context;
    if (timers.get(this.#tryAgain) === undefined) timers.set(this.#tryAgain, nowMs + TRY_AGAIN_MS);
    return true;
  }

  #onTryAgain(nowMs: number): void {
    for (const arrival of [...this.#putOff.values()]) {
      this.take(nowMs, decodeGroupData(arrival.bytes), arrival);
    }
  }

  #author(data: GroupData): PeerRef {
    const met = this.#members.find(data)?.peer() ?? this.#members.peer(data.device);
    if (met !== undefined) return met;
    const at = this.#context.addressOf(data.device) ?? NOWHERE;
    return { id: data.device, name: data.name, address: at.address, port: at.port };
  }
}

function keyOf({ device, incarnation, sequence }: GroupData): string {
  return `${device}${incarnation} ${sequence}`;
}
