import { MAX_DATAGRAM_BYTES, MAX_RANGES } from "../../wire/constants.js";
import { decodeGroupData, type GroupData, type SequenceRange } from "../../wire/group.js";
import type { Instance } from "../../wire/presence.js";
import { messageId } from "../../wire/record.js";
import type { PeerRef } from "../io.js";
import { RangeSet } from "../rangeSet.js";
import type { Alarm } from "../timers.js";
import { Assembly } from "./assembly.js";
import type { GroupsContext } from "./groupsContext.js";
import { type GroupRoundTrip, NackTimer } from "./nack.js";

/** NACK rounds without an answer after which a sender that is gone is given up. */
const ROUNDS_BEFORE_GAP = 10;

/** What a receiver needs of the membership around it. */
export interface ReceiverSurroundings {
  readonly groupId: string;
  readonly roundTrip: GroupRoundTrip;
  /** Members online, ourselves included: how many may ask for the same. */
  memberCount(): number;
  /** The sender as events show it. */
  peer(): PeerRef;
  /** The sender is not heard any more. */
  gone(): boolean;
  sendNack(missing: readonly SequenceRange[]): void;
}

/**
 * What one incarnation of another member says: delivered in the order of its datagrams. Later
 * ones are held, as the signed bytes that they came in, until what is missing was asked for and
 * arrived, or is known to be lost for good.
 */
export class Receiver {
  readonly #context: GroupsContext;
  readonly #of: Instance;
  readonly #around: ReceiverSurroundings;
  /** The next sequence to deliver. */
  #expected: number;
  /** The highest sequence known to exist. */
  #lead: number;
  /** First met in the middle: the first trail that it announces is where it begins for us. */
  #provisional: boolean;
  /** At or above `#expected`; bounded by `limits.heldGroupDatagrams` and by the budget. */
  readonly #held = new Map<number, Uint8Array>();
  /** The keys of `#held`. */
  readonly #heldSequences: RangeSet;
  readonly #assembly: Assembly;
  readonly #nack: NackTimer;
  readonly #nackDue: Alarm = (nowMs) => this.#onNackDue(nowMs);

  constructor(
    context: GroupsContext,
    of: Instance,
    around: ReceiverSurroundings,
    baseline: { readonly expected: number; readonly provisional: boolean },
  ) {
    this.#context = context;
    this.#of = of;
    this.#around = around;
    this.#expected = baseline.expected;
    this.#lead = baseline.expected - 1;
    this.#provisional = baseline.provisional;
    this.#heldSequences = new RangeSet(context.limits.heldGroupDatagrams);
    this.#assembly = new Assembly(context.heldBytes);
    this.#nack = new NackTimer(context.random, around.roundTrip);
  }

  /** Everything up to here was delivered or is lost for good. */
  get deliveredUpTo(): number {
    return this.#expected - 1;
  }

  /** The highest sequence known to exist. */
  get lead(): number {
    return this.#lead;
  }

  /** A datagram of this number would change something: only then is its signature worth a check. */
  wants(sequence: number): boolean {
    if (sequence < this.#expected || this.#held.has(sequence)) return false;
    return sequence > this.#lead || sequence < this.#windowEnd;
  }

  /** First sequence that is too far ahead to be held. */
  get #windowEnd(): number {
    return this.#expected + this.#context.limits.heldGroupDatagrams;
  }

  /** A verified datagram that was wanted. */
  accept(nowMs: number, data: GroupData, bytes: Uint8Array): void {
    const { sequence } = data;
    const repairs = sequence <= this.#lead;
    this.#lead = Math.max(this.#lead, sequence);
    const taken = sequence === this.#expected ? this.#deliver(data) : this.#hold(sequence, bytes);
    if (taken && repairs) {
      this.#context.counters.add("repairsReceived");
      this.#nack.filled(nowMs);
    }
    this.#deliverHeld();
    this.#recheck(nowMs);
  }

  /** A verified heartbeat: what exists, and what can still be repeated. */
  announced(nowMs: number, announcement: { readonly lead: number; readonly trail: number }): void {
    this.#lead = Math.max(this.#lead, announcement.lead);
    this.#abandonBelow(announcement.trail, this.#provisional);
    this.#provisional = false;
    this.#recheck(nowMs);
  }

  /** Another member's NACK for the same sender would silence ours. */
  isCoveredBy(asked: readonly SequenceRange[]): boolean {
    if (!this.#nack.suppressible) return false;
    return this.#missing().every((mine) =>
      asked.some((range) => range.first <= mine.first && mine.last <= range.last),
    );
  }

  suppress(nowMs: number): void {
    this.#context.counters.add("nacksSuppressed");
    this.#nack.suppress(nowMs);
    this.#context.timers.set(this.#nackDue, this.#nack.dueMs);
  }

  /** Nothing more is expected: delivers what is held and reports the rest as lost. */
  giveUp(): void {
    this.#abandonBelow(this.#lead + 1, false);
    this.close();
  }

  /** Drops everything, silently. */
  close(): void {
    for (const bytes of this.#held.values()) this.#context.heldBytes.release(bytes.length);
    this.#held.clear();
    this.#assembly.drop();
    this.#context.timers.clear(this.#nackDue);
  }

  #missing(): SequenceRange[] {
    const last = Math.min(this.#lead, this.#windowEnd - 1);
    return this.#heldSequences.missing(this.#expected, last, MAX_RANGES);
  }

  #recheck(nowMs: number): void {
    if (this.#expected > this.#lead) this.#nack.reset();
    else this.#nack.lossSeen(nowMs, this.#around.memberCount());
    this.#context.timers.set(this.#nackDue, this.#nack.dueMs);
  }

  #onNackDue(nowMs: number): void {
    this.#deliverHeld(); // there may be room now
    const missing = this.#missing();
    if (this.#around.gone() && this.#nack.fruitlessRounds >= ROUNDS_BEFORE_GAP) {
      this.#abandonBelow(this.#lead + 1, false);
    } else if (this.#nack.due(nowMs, this.#around.memberCount()) && missing.length > 0) {
      this.#context.counters.add("nacksSent");
      this.#around.sendNack(missing);
    }
    this.#recheck(nowMs);
  }

  #hold(sequence: number, bytes: Uint8Array): boolean {
    if (sequence >= this.#windowEnd || !this.#context.heldBytes.take(bytes.length)) return false;
    this.#held.set(sequence, new Uint8Array(bytes));
    this.#heldSequences.add(sequence);
    return true;
  }

  #deliverHeld(): void {
    for (;;) {
      const bytes = this.#held.get(this.#expected);
      if (bytes === undefined) return;
      this.#held.delete(this.#expected);
      this.#context.heldBytes.release(bytes.length);
      if (this.#deliver(decodeGroupData(bytes))) continue;
      this.#hold(this.#expected, bytes);
      return;
    }
  }

  /** False, and nothing done, if there is no room for the beginning of a long message. */
  #deliver(data: GroupData): boolean {
    const isPiece = data.entries.some((entry) => entry.continues);
    if (isPiece && !this.#context.heldBytes.hasRoom(MAX_DATAGRAM_BYTES)) return false;
    this.#moveTo(data.sequence + 1);
    for (const entry of data.entries) {
      const message = this.#assembly.add(entry);
      if (message === "malformed") this.#context.counters.add("datagramsMalformed");
      else if (message !== undefined) {
        this.#context.outputs.event({
          kind: "groupMessage",
          groupId: this.#around.groupId,
          from: this.#around.peer(),
          messageId: messageId(this.#of.incarnation, message.messageSequence),
          sentAtMs: message.sentAtMs,
          body: message.body,
        });
      }
    }
    return true;
  }

  /** What is missing below `end` is lost for good; what is held of it is delivered. */
  #abandonBelow(end: number, silently: boolean): void {
    while (this.#expected < end) {
      const [lost] = this.#heldSequences.missing(this.#expected, end - 1, 1);
      if (lost === undefined || lost.first > this.#expected) {
        const before = this.#expected;
        this.#deliverHeld();
        if (this.#expected > before) continue;
        return; // no room: when there is, we come here again
      }
      this.#assembly.drop();
      this.#moveTo(lost.last + 1);
      if (!silently) this.#reportGap(lost.last - lost.first + 1);
    }
    this.#lead = Math.max(this.#lead, this.#expected - 1);
    this.#deliverHeld();
  }

  #moveTo(expected: number): void {
    this.#expected = expected;
    this.#heldSequences.forgetBelow(expected);
    this.#context.digestChanged();
  }

  #reportGap(count: number): void {
    this.#context.counters.add("gaps");
    this.#context.outputs.event({
      kind: "gap",
      groupId: this.#around.groupId,
      from: this.#around.peer(),
      count,
    });
  }
}
