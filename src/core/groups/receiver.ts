import { MAX_DATAGRAM_BYTES, MAX_RANGES } from "../../wire/constants.js";
import { decodeGroupData, type GroupData, type SequenceRange } from "../../wire/group.js";
import type { Instance } from "../../wire/presence.js";
import { messageId } from "../../wire/record.js";
import type { PeerRef } from "../io.js";
import { RangeSet } from "../rangeSet.js";
import type { Alarm } from "../timers.js";
import { Assembly } from "./assembly.js";
import type { GroupsContext } from "./groupsContext.js";
import type { Holder } from "./heldBytes.js";
import { type GroupRoundTrip, NackTimer } from "./nack.js";

/**
 * Rounds of asking that bring nothing at all, after which what they asked for is given up, some
 * 50 s on a LAN. At 30 % loss both ways a round fails if the NACK or the repair is lost, that is
 * with 1 - 0.7 x 0.7 = 0.51; 24 fail in a row with 0.51^24 = 1e-7.
 */
const ROUNDS_BEFORE_GAP = 24;

/** What a receiver needs of the membership around it. */
export interface ReceiverSurroundings {
  readonly groupId: string;
  readonly roundTrip: GroupRoundTrip;
  /** Members online, ourselves included: how many may ask for the same. */
  memberCount(): number;
  /** The sender as events show it. */
  peer(): PeerRef;
  sendNack(missing: readonly SequenceRange[]): void;
}

/**
 * What one incarnation of another member says: delivered in the order of its datagrams. Later
 * ones are held, as the signed bytes that they came in, until what is missing was asked for and
 * arrived, or is known to be lost for good.
 */
export class Receiver implements Holder {
  readonly #context: GroupsContext;
  readonly #of: Instance;
  readonly #around: ReceiverSurroundings;
  /** The next sequence to deliver. */
  #expected: number;
  /** The highest sequence known to exist. */
  #lead: number;
  /** First met in the middle: the first trail that it announces is where it begins for us. */
  #provisional: boolean;
  /** What was missing when the present rounds of asking began: only that is given up with them. */
  #askedUpTo = 0;
  /** From `#expected` on; bounded by `heldGroupDatagrams` and `reassemblyBytesPerPeer`. */
  readonly #held = new Map<number, Uint8Array>();
  #heldBytes = 0;
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
    this.#assembly = new Assembly(context.held.budget);
    context.held.add(this);
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

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get begunBytes(): number {
    return this.#assembly.begunBytes;
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
    const wasAsked = sequence <= this.#askedUpTo;
    const taken = sequence === this.#expected || this.#hold(sequence, bytes);
    if (sequence === this.#expected) this.#deliver(data);
    if (taken && repairs) this.#context.counters.add("repairsReceived");
    if (taken && wasAsked) this.#nack.filled(nowMs);
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
    this.#startRound(this.#missing());
    this.#nack.suppress(nowMs);
    this.#context.timers.set(this.#nackDue, this.#nack.dueMs);
  }

  /** Nothing more is expected: delivers what is held and reports the rest as lost. */
  giveUp(): void {
    this.#abandonBelow(this.#lead + 1, false);
    this.close();
  }

  /** Nothing more of it is wanted: what is held or missing is dropped, silently. */
  cease(): void {
    this.#dropHeld();
    this.#assembly.drop();
    this.#provisional = false;
    this.#moveTo(this.#lead + 1);
    this.#nack.reset();
    this.#context.timers.clear(this.#nackDue);
  }

  giveWay(): void {
    if (this.#held.size > 0) this.#dropHeld();
    else this.#reportGap(this.#assembly.drop());
  }

  /** Drops everything, silently. */
  close(): void {
    this.#dropHeld();
    this.#assembly.drop();
    this.#context.held.remove(this);
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
    const missing = this.#missing();
    if (this.#nack.fruitlessRounds >= ROUNDS_BEFORE_GAP) {
      this.#abandonBelow(this.#askedUpTo + 1, false);
      this.#nack.reset();
    } else if (this.#nack.due(nowMs, this.#around.memberCount()) && missing.length > 0) {
      this.#context.counters.add("nacksSent");
      this.#startRound(missing);
      this.#around.sendNack(missing);
    }
    this.#recheck(nowMs);
  }

  /** `missing` is asked for; what earlier rounds asked for stays what they are judged by. */
  #startRound(missing: readonly SequenceRange[]): void {
    if (this.#askedUpTo >= this.#expected) return;
    const isComplete = missing.length < MAX_RANGES;
    this.#askedUpTo = isComplete ? this.#lead : (missing.at(-1)?.last ?? this.#lead);
  }

  #hold(sequence: number, bytes: Uint8Array): boolean {
    const { held, limits } = this.#context;
    const fits = this.#heldBytes + bytes.length <= limits.reassemblyBytesPerPeer;
    if (sequence >= this.#windowEnd || !fits) return false;
    if (!held.makeRoom(bytes.length, this)) return false;
    held.budget.take(bytes.length);
    this.#held.set(sequence, new Uint8Array(bytes));
    this.#heldBytes += bytes.length;
    this.#heldSequences.add(sequence);
    return true;
  }

  #dropHeld(): void {
    this.#context.held.budget.release(this.#heldBytes);
    this.#heldBytes = 0;
    this.#held.clear();
    this.#heldSequences.forgetBelow(Number.POSITIVE_INFINITY);
  }

  #deliverHeld(): void {
    for (;;) {
      const bytes = this.#held.get(this.#expected);
      if (bytes === undefined) return;
      this.#held.delete(this.#expected);
      this.#heldBytes -= bytes.length;
      this.#context.held.budget.release(bytes.length);
      this.#deliver(decodeGroupData(bytes));
    }
  }

  #deliver(data: GroupData): void {
    const isPiece = data.entries.some((entry) => entry.continues || entry.continued);
    // Who is in order comes before all that waits, our own included.
    if (isPiece) this.#context.held.makeRoom(MAX_DATAGRAM_BYTES);
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
          hlc: 0,
          late: false,
          body: message.body,
        });
      }
    }
  }

  /** What is missing below `end` is lost for good; what is held of it is delivered. */
  #abandonBelow(end: number, silently: boolean): void {
    while (this.#expected < end) {
      const [lost] = this.#heldSequences.missing(this.#expected, end - 1, 1);
      if (lost === undefined || lost.first > this.#expected) {
        this.#deliverHeld();
        continue;
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
    if (expected > this.#askedUpTo) this.#nack.settled();
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
