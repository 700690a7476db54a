import { clamp } from "../clamp.js";
import type { Loss, Losses } from "./losses.js";

/** A NACK takes some 50 ms on a LAN: the backoff, at most 40 ms at first, and both ways. */
const ROUND_MS = 100;
/** Of fewer datagrams a round says little: it goes on, */
const MIN_ROUND_DATAGRAMS = 32;
/** but not for longer than this. */
const MAX_ROUND_MS = 1000;
/** The rate is halved whenever it held nothing back for so long: others may have come meanwhile. */
const UNUSED_MS = 4000;
/** In one round. Who lacks all that was said for a moment can have it repeated at this part. */
const MAX_FALL = 1 / 4;
/** So much is lost on a good link, */
const MIN_TOLERATED_SHARE = 0.02;
/** and so much at most on a bad one. A rate too high by a half loses a third. */
const MAX_TOLERATED_SHARE = 0.12;
/** What one round at the lowest rate, or twice that, counts in what usually is lost. */
const USUAL_WEIGHT = 1 / 4;

/**
 * How fast we send to groups: as fast as nobody loses more than at the lowest rate, which is what
 * slow Wi-Fi carries. Slow start and congestion avoidance (RFC 5681), by loss alone, as NACKs tell
 * it (RFC 5740 section 5.5.2), in rounds:
 *
 * ```text
 *  somebody lacks more than is usual    falls to what was not lost, a half to a quarter
 *  somebody is behind                   stays
 *  it held something back               is doubled, up to half of where it fell last; then it
 *                                       grows by a sixteenth
 *  it held back repairs alone           is halved
 *  it held nothing back for 4 s         is halved
 *  we may be on another network         is the lowest
 * ```
 *
 * Never below the lowest rate. Who asks for everything costs us the gain, and gets no more than that
 * rate, or as much as is said anew.
 */
export class SendRate {
  readonly #lowest: number;
  readonly #highest: number;
  #bitsPerSecond: number;
  /** Up to here it doubles. */
  #threshold: number;
  /** The share that is lost however slowly we send: not by the rate. */
  #usualShare = 0;
  /** Bounded by the groups. */
  readonly #groups = new Set<Losses>();
  /** Not before. */
  #growsAtMs = Number.NEGATIVE_INFINITY;
  #roundSinceMs = Number.NEGATIVE_INFINITY;
  #heldBack = false;
  #heldBackRepairs = false;
  #isReset = false;
  #unusedSinceMs = Number.NEGATIVE_INFINITY;

  constructor(limits: {
    readonly lowestBitsPerSecond: number;
    readonly highestBitsPerSecond: number;
  }) {
    this.#lowest = limits.lowestBitsPerSecond;
    this.#highest = Math.max(this.#lowest, limits.highestBitsPerSecond);
    this.#bitsPerSecond = this.#lowest;
    this.#threshold = this.#highest;
  }

  get bitsPerSecond(): number {
    return this.#bitsPerSecond;
  }

  /** What is lost of a group counts. */
  watch(group: Losses): void {
    this.#groups.add(group);
  }

  unwatch(group: Losses): void {
    this.#groups.delete(group);
  }

  /** Something waits because of the rate that somebody would miss. */
  heldBack(nowMs: number): void {
    this.#heldBack = true;
    this.#unusedSinceMs = nowMs;
  }

  /** Nothing but repairs waits: how many of them are lost does not show. */
  heldBackRepairs(): void {
    this.#heldBackRepairs = true;
  }

  /** We may be on another network: what we learned of this one does not hold there. */
  reset(): void {
    this.#isReset = true;
  }

  /** Time passed. True if the rate is another one now. */
  update(nowMs: number): boolean {
    const before = this.#bitsPerSecond;
    if (this.#isReset) this.#begin();
    this.#decay(nowMs);
    if (this.#isRoundOver(nowMs)) {
      this.#judge(nowMs);
      this.#heldBack = false;
      this.#heldBackRepairs = false;
      this.#roundSinceMs = nowMs;
    }
    return this.#bitsPerSecond !== before;
  }

  #begin(): void {
    this.#isReset = false;
    this.#bitsPerSecond = this.#lowest;
    this.#threshold = this.#highest;
    this.#usualShare = 0;
  }

  #isRoundOver(nowMs: number): boolean {
    const tookMs = nowMs - this.#roundSinceMs;
    if (tookMs < ROUND_MS) return false;
    if (tookMs >= MAX_ROUND_MS) return true;
    let sent = 0;
    for (const { sentCount } of this.#groups) sent += sentCount;
    return sent >= MIN_ROUND_DATAGRAMS;
  }

  #judge(nowMs: number): void {
    const tolerated = clamp(this.#usualShare, MIN_TOLERATED_SHARE, MAX_TOLERATED_SHARE);
    const losses = Array.from(this.#groups, (group) => group.takeRound());
    const share = Math.max(0, ...losses.map(shareOf));
    const isTooMuch = losses.some(({ sent, lost }) => isMore(sent, lost, tolerated));
    if (this.#heldBack && this.#bitsPerSecond <= 2 * this.#lowest) {
      this.#usualShare += USUAL_WEIGHT * (share - this.#usualShare);
    }
    // Whoever is behind tells late what it loses now, and asks rarely: we wait for it.
    for (const { sent, missed, asksEveryMs } of losses) {
      if (!isMore(sent, missed, tolerated)) continue;
      this.#growsAtMs = Math.max(this.#growsAtMs, nowMs + asksEveryMs, nowMs + 1);
    }
    if (isTooMuch) this.#fall(share);
    else if (this.#heldBackRepairs && !this.#heldBack) this.#fall(1 / 2);
    else if (this.#heldBack && nowMs >= this.#growsAtMs) this.#grow();
  }

  #fall(share: number): void {
    const before = this.#bitsPerSecond;
    const fallen = before * clamp(1 - share, MAX_FALL, 1 / 2);
    if (before > this.#lowest) this.#threshold = Math.max(this.#lowest, before / 2);
    this.#bitsPerSecond = Math.max(this.#lowest, fallen);
    for (const group of this.#groups) group.settle();
  }

  #grow(): void {
    const doubled = Math.min(2 * this.#bitsPerSecond, this.#threshold);
    const careful = Math.max(this.#bitsPerSecond / 16, this.#lowest / 8);
    const grown = Math.max(doubled, this.#bitsPerSecond + careful);
    this.#bitsPerSecond = Math.min(this.#highest, grown);
  }

  #decay(nowMs: number): void {
    if (this.#bitsPerSecond === this.#lowest) return;
    const halvings = Math.floor((nowMs - this.#unusedSinceMs) / UNUSED_MS);
    if (halvings < 1) return;
    this.#unusedSinceMs += halvings * UNUSED_MS;
    const before = this.#bitsPerSecond;
    this.#bitsPerSecond = Math.max(this.#lowest, before / 2 ** halvings);
    // RFC 2861: it was good a moment ago. At the lowest all is as at the beginning.
    const isAnew = this.#bitsPerSecond === this.#lowest;
    this.#threshold = isAnew ? this.#highest : Math.max(this.#threshold, (3 / 4) * before);
    if (isAnew) this.#usualShare = 0;
  }
}

function shareOf({ sent, lost }: Loss): number {
  return sent === 0 ? 0 : Math.min(1, lost / sent);
}

/** More than chance loses on a link that loses this share: twice the deviation (Poisson). */
function isMore(sent: number, lost: number, share: number): boolean {
  const usual = share * sent;
  return lost > usual + 2 * Math.sqrt(usual) + 1;
}
