import { MAX_RANGES } from "../../wire/constants.js";
import { decodeGroupData, type GroupData, type SequenceRange } from "../../wire/group.js";
import type { PeerRef } from "../io.js";
import type { Alarm } from "../timers.js";
import type { GroupsContext } from "./groupsContext.js";
import { type Arrival, HeldDatagrams } from "./heldDatagrams.js";
import { latestReading } from "./hybridClock.js";
import { type GroupRoundTrip, NackTimer } from "./nack.js";

/**
 * Rounds of asking that bring nothing at all, after which what they asked for is given up, some
 * 50 s on a LAN. At 30 % loss both ways a round fails if the NACK or the repair is lost, that is
 * with 1 - 0.7 x 0.7 = 0.51; 24 fail in a row with 0.51^24 = 1e-7.
 */
const ROUNDS_BEFORE_GAP = 24;
/** The same for what its author cannot repeat any more, some 4 s: somebody else may have it. */
const ROUNDS_WITHOUT_AUTHOR = 8;
/** After so many that brought nothing, asking is not expected to help soon. */
const HOPEFUL_ROUNDS = 3;
/** While what was said before we came is on its way by other means, we look so often how far it is. */
const CATCH_UP_LOOK_MS = 200;
/** If that is more datagrams than these, what is said now does not wait until NACKs have brought it. */
const MAX_WAITED_FOR = 256;

/** What a receiver needs of the membership around it. */
export interface ReceiverSurroundings {
  readonly groupId: string;
  readonly roundTrip: GroupRoundTrip;
  /** Members online, ourselves included: how many may ask for the same. */
  memberCount(): number;
  /** The sender as events show it. */
  peer(): PeerRef;
  sendNack(missing: readonly SequenceRange[]): void;
  /** It is this datagram's turn: what it says is kept and told. */
  take(nowMs: number, data: GroupData, arrival: Arrival): void;
  /** What was said before we came need not be asked for yet. */
  catchingUp(nowMs: number): boolean;
}

/** Where we begin to read somebody. */
export interface Baseline {
  /** The first sequence that is wanted. */
  readonly expected: number;
  /** Its first heartbeat tells better. */
  readonly provisional: boolean;
  /** What it said before an earlier start of ours ended is kept: what is missing came after that. */
  readonly resumed: boolean;
  /**
   * The reading of the hybrid clock when we came, if it may have said something before that; 0 if
   * it came after us.
   */
  readonly cameHlc: number;
}

/**
 * What one incarnation of another member says: delivered in the order of its datagrams. Later
 * ones are held, as the signed bytes that they came in, until what is missing was asked for and
 * arrived, or is known to be lost for good.
 */
export class Receiver {
  readonly #context: GroupsContext;
  readonly #around: ReceiverSurroundings;
  /** The next sequence to deliver. */
  #expected: number;
  /** The highest sequence known to exist. */
  #lead: number;
  /** First met in the middle: the first trail that it announces is where it begins for us. */
  #provisional: boolean;
  /** Said before we came: up to this sequence, once it is known, */
  #beforeUs: number | undefined;
  /** and with a lower reading of the hybrid clock. */
  #cameHlc: number;
  /** What was said before we came is brought by others at first. */
  readonly #resumed: boolean;
  /** The lowest sequence that the author itself can repeat. */
  #trail = 1;
  /** What was missing when the present rounds of asking began: only that is given up with them. */
  #askedUpTo = 0;
  /** From `#expected` on. */
  readonly #held: HeldDatagrams;
  readonly #nack: NackTimer;
  readonly #nackDue: Alarm = (nowMs) => this.#onNackDue(nowMs);

  constructor(context: GroupsContext, around: ReceiverSurroundings, baseline: Baseline) {
    this.#context = context;
    this.#around = around;
    this.#expected = baseline.expected;
    this.#lead = baseline.expected - 1;
    this.#provisional = baseline.provisional;
    this.#cameHlc = baseline.cameHlc;
    this.#resumed = baseline.resumed;
    this.#held = new HeldDatagrams(context);
    this.#nack = new NackTimer(context.random, around.roundTrip);
  }

  /** The next sequence to deliver: everything below was delivered, or passed over as lost. */
  get expected(): number {
    return this.#expected;
  }

  /** The lowest sequence that the author itself can repeat, as far as it said. */
  get trail(): number {
    return this.#trail;
  }

  /** The highest sequence known to exist. */
  get lead(): number {
    return this.#lead;
  }

  /** Something is missing that was not asked for yet, or that asking is expected to bring soon. */
  isRepairing(nowMs: number): boolean {
    if (this.#expected > this.#lead || this.#nack.fruitlessRounds >= HOPEFUL_ROUNDS) return false;
    return this.#notOnItsWay(nowMs, this.#missing()).length > 0;
  }

  /** A datagram of this number would change something: only then is its signature worth a check. */
  wants(sequence: number): boolean {
    if (sequence < this.#expected || this.#held.has(sequence)) return false;
    return sequence > this.#lead || sequence < this.#windowEnd;
  }

  /** It came, and waits for an earlier one. */
  holds(sequence: number): boolean {
    return this.#held.has(sequence);
  }

  /** First sequence that is too far ahead to be held. */
  get #windowEnd(): number {
    return this.#expected + this.#context.limits.heldGroupDatagrams;
  }

  /**
   * A verified datagram that was wanted. `byAuthor`: it was sent by its author. False if there is no
   * room for it now.
   */
  accept(nowMs: number, data: GroupData, arrival: Arrival, byAuthor: boolean): boolean {
    const { sequence } = data;
    const repairs = sequence <= this.#lead;
    const isSaidNow = latestReading(data.entries) >= this.#cameHlc;
    if (isSaidNow) this.#beforeUs ??= sequence - 1;
    this.#lead = Math.max(this.#lead, sequence);
    if (isSaidNow) this.#leaveToOthers(nowMs, sequence);
    const wasAsked = sequence <= this.#askedUpTo;
    const taken = sequence === this.#expected || this.#hold(sequence, arrival);
    if (sequence === this.#expected) this.#deliver(nowMs, data, arrival);
    if (taken && repairs) this.#context.counters.add("repairsReceived");
    if (taken && wasAsked) this.#nack.filled(nowMs, byAuthor);
    this.#deliverHeld(nowMs);
    this.#recheck(nowMs);
    return taken;
  }

  /** A verified heartbeat: what exists, and what its author can still repeat. */
  announced(nowMs: number, announcement: { readonly lead: number; readonly trail: number }): void {
    this.#beforeUs ??= announcement.lead;
    this.#lead = Math.max(this.#lead, announcement.lead);
    this.#trail = Math.max(this.#trail, announcement.trail);
    // What it said before we met it is history, which others bring if they have it.
    if (this.#provisional) this.#passOver(nowMs, announcement.trail, "silently");
    this.#provisional = false;
    this.#recheck(nowMs);
  }

  /** It is here again after we took it for gone: what it said meanwhile, it said without us. */
  cameBack(lead: number): void {
    this.#beforeUs = Math.max(this.#beforeUs ?? 0, lead);
    this.#cameHlc = Number.POSITIVE_INFINITY;
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

  /** It is not followed any more: what is held is delivered; others may bring the rest. */
  giveUp(nowMs: number): void {
    this.#passOver(nowMs, this.#lead + 1, "silently");
    this.close();
  }

  /** Nothing more of it is wanted: what is held or missing is dropped, silently. */
  cease(): void {
    this.#held.drop();
    this.#provisional = false;
    this.#moveTo(this.#lead + 1);
    this.#nack.reset();
    this.#context.timers.clear(this.#nackDue);
  }

  /** Drops everything, silently. */
  close(): void {
    this.#held.close();
    this.#context.timers.clear(this.#nackDue);
  }

  #missing(): SequenceRange[] {
    const last = Math.min(this.#lead, this.#windowEnd - 1);
    return this.#held.missing(this.#expected, last, MAX_RANGES);
  }

  #recheck(nowMs: number): void {
    if (this.#expected > this.#lead) this.#nack.reset();
    else this.#nack.lossSeen(nowMs, this.#around.memberCount());
    this.#context.timers.set(this.#nackDue, this.#nack.dueMs);
  }

  #onNackDue(nowMs: number): void {
    const missing = this.#missing();
    const asked = this.#notOnItsWay(nowMs, missing);
    if (missing.length > 0 && asked.length === 0) {
      this.#context.timers.set(this.#nackDue, nowMs + CATCH_UP_LOOK_MS);
      return;
    }
    const end = this.#endOfHopeless();
    if (end > this.#expected) {
      this.#passOver(nowMs, end, "as a gap");
      if (this.#expected > this.#askedUpTo) this.#nack.reset();
    } else if (this.#nack.due(nowMs, this.#around.memberCount()) && asked.length > 0) {
      this.#context.counters.add("nacksSent");
      this.#startRound(missing);
      this.#around.sendNack(asked);
    }
    this.#recheck(nowMs);
  }

  /** What was said before we came is brought by others at first: the rest of `missing`. */
  #notOnItsWay(nowMs: number, missing: readonly SequenceRange[]): readonly SequenceRange[] {
    const beforeUs = this.#beforeUs ?? this.#lead;
    if (!this.#resumed || beforeUs < this.#expected) return missing;
    if (!this.#around.catchingUp(nowMs)) return missing;
    return missing
      .filter(({ last }) => last > beforeUs)
      .map(({ first, last }) => ({ first: Math.max(first, beforeUs + 1), last }));
  }

  /** `sequence` is said now: it does not wait for what others bring us, or for very much. */
  #leaveToOthers(nowMs: number, sequence: number): void {
    const beforeUs = this.#beforeUs ?? 0;
    if (!this.#resumed || beforeUs < this.#expected || sequence <= beforeUs) return;
    const isMuch = beforeUs - this.#expected >= MAX_WAITED_FOR;
    if (isMuch || this.#around.catchingUp(nowMs)) this.#passOver(nowMs, beforeUs + 1, "silently");
  }

  /** Below this nobody has what is missing: it was asked for often enough. */
  #endOfHopeless(): number {
    const rounds = this.#nack.fruitlessRounds;
    if (rounds >= ROUNDS_BEFORE_GAP) return this.#askedUpTo + 1;
    if (rounds >= ROUNDS_WITHOUT_AUTHOR) return Math.min(this.#trail, this.#askedUpTo + 1);
    return 0;
  }

  /** `missing` is asked for; what earlier rounds asked for stays what they are judged by. */
  #startRound(missing: readonly SequenceRange[]): void {
    if (this.#askedUpTo >= this.#expected) return;
    const isComplete = missing.length < MAX_RANGES;
    this.#askedUpTo = isComplete ? this.#lead : (missing.at(-1)?.last ?? this.#lead);
  }

  #hold(sequence: number, arrival: Arrival): boolean {
    return sequence < this.#windowEnd && this.#held.hold(sequence, arrival);
  }

  #deliverHeld(nowMs: number): void {
    for (;;) {
      const held = this.#held.take(this.#expected);
      if (held === undefined) return;
      this.#deliver(nowMs, decodeGroupData(held.bytes), held);
    }
  }

  #deliver(nowMs: number, data: GroupData, arrival: Arrival): void {
    this.#moveTo(data.sequence + 1);
    const late = arrival.late || this.#isBeforeUs(data);
    const live = !late && data.sequence > (this.#beforeUs ?? Number.POSITIVE_INFINITY);
    this.#around.take(nowMs, data, { ...arrival, late, live });
  }

  #isBeforeUs(data: GroupData): boolean {
    const beforeUs = this.#beforeUs ?? Number.POSITIVE_INFINITY;
    return data.sequence <= beforeUs && latestReading(data.entries) < this.#cameHlc;
  }

  /** What is missing below `end` is waited for no longer; what is held of it is delivered. */
  #passOver(nowMs: number, end: number, how: "silently" | "as a gap"): void {
    while (this.#expected < end) {
      const [lost] = this.#held.missing(this.#expected, end - 1, 1);
      if (lost === undefined || lost.first > this.#expected) {
        this.#deliverHeld(nowMs);
        continue;
      }
      this.#moveTo(lost.last + 1);
      if (how === "as a gap") this.#reportGap(lost.last - lost.first + 1);
    }
    this.#lead = Math.max(this.#lead, this.#expected - 1);
    this.#deliverHeld(nowMs);
  }

  #moveTo(expected: number): void {
    this.#expected = expected;
    this.#held.forgetBelow(expected);
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
