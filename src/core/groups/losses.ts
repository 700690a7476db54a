import type { SequenceRange } from "../../wire/group.js";

/** Between two NACKs of a member that lacks something are 4 s at most: who asks after more lacked nothing. */
const ASKING_MS = 5000;

/** What a round showed of one group, by the member that asked for the largest part. */
export interface Loss {
  /** Datagrams with something new that it could ask for. */
  readonly sent: number;
  /** Those that it asked for, */
  readonly lost: number;
  /** and those of before, which it asked for just now: it is behind. */
  readonly missed: number;
  /** It asks again after so long; 0 if that is not known. */
  readonly asksEveryMs: number;
}

/** Of a member that lacks something. */
interface Asker {
  atMs: number;
  /** It told which datagrams up to this sequence it lacks. */
  upTo: number;
}

/** What one member told in a round that it had not told before. */
interface Asked {
  /** Sequences, whether they came or not. */
  told: number;
  lost: number;
  missed: number;
  everyMs: number;
}

/**
 * How much of what we say in one group is lost, as far as NACKs tell: by the member that lacks
 * most, as RFC 5740 section 5.5.2 has it, since of many members somebody always lacks something.
 * Each datagram counts once for each who asks, however often he does.
 */
export class Losses {
  /** Highest sequence sent. */
  #lead: number;
  /** What was said up to here tells nothing of the present rate. */
  #settledUpTo: number;
  #sent = 0;
  #sentBefore = 0;
  /** In this round; bounded by the members. */
  readonly #asked = new Map<object, Asked>();
  readonly #askers = new WeakMap<object, Asker>();

  /** `lead`: the highest sequence sent before. */
  constructor(lead: number) {
    this.#lead = lead;
    this.#settledUpTo = lead;
  }

  /** Datagrams with something new, in this round. */
  get sentCount(): number {
    return this.#sent;
  }

  /** A datagram with something new left. */
  sent(sequence: number): void {
    this.#lead = sequence;
    this.#sent += 1;
  }

  /** A verified NACK of a member, which is the same object every time; `missing` ascends. */
  asked(nowMs: number, member: object, missing: readonly SequenceRange[]): void {
    // Who has not asked lately may want all that was said before it came: only the latest counts.
    const latest = this.#lead - this.#sent - this.#sentBefore;
    const before = this.#askers.get(member);
    const isAsking = before !== undefined && nowMs - before.atMs < ASKING_MS;
    const told = isAsking ? before.upTo : Math.max(latest, before?.upTo ?? 0);
    const upTo = Math.max(told, Math.min(missing.at(-1)?.last ?? 0, this.#lead));
    this.#askers.set(member, { atMs: nowMs, upTo });
    if (upTo === told) return;
    const since = Math.max(told, this.#settledUpTo);
    const asked = this.#asked.get(member) ?? { told: 0, lost: 0, missed: 0, everyMs: 0 };
    if (isAsking) asked.told += Math.max(0, upTo - since);
    asked.lost += countOf(missing, since + 1, upTo);
    asked.missed += countOf(missing, told + 1, upTo);
    if (isAsking) asked.everyMs = Math.max(asked.everyMs, nowMs - before.atMs);
    this.#asked.set(member, asked);
  }

  /** Ends the round. */
  takeRound(): Loss {
    const lately = Math.max(this.#sent, this.#sentBefore);
    let worst: Loss = { sent: lately, lost: 0, missed: 0, asksEveryMs: 0 };
    for (const { told, lost, missed, everyMs } of this.#asked.values()) {
      const sent = Math.max(lately, told);
      // Where nothing new was said lately, whoever asks is behind.
      if (missed * Math.max(1, worst.sent) <= worst.missed * sent) continue;
      worst = { sent, lost, missed, asksEveryMs: everyMs };
    }
    this.#sentBefore = this.#sent;
    this.#sent = 0;
    this.#asked.clear();
    return worst;
  }

  /** Something was done about the losses: they tell nothing of what is said from now on. */
  settle(): void {
    this.#sentBefore = 0;
    this.#settledUpTo = this.#lead;
  }
}

/** Numbers of `ranges` from `first` to `last`. */
function countOf(ranges: readonly SequenceRange[], first: number, last: number): number {
  let count = 0;
  for (const range of ranges) {
    count += Math.max(0, Math.min(range.last, last) - Math.max(range.first, first) + 1);
  }
  return count;
}
