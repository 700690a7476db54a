import { MAX_AMPLIFICATION } from "../../wire/constants.js";
import type { AckFrame } from "../../wire/frames.js";
import type { SequenceRange } from "../../wire/group.js";
import type { Address } from "../io.js";

/** Between two challenges that nobody answers, doubling. */
const FIRST_WAIT_MS = 250;
/** So many by themselves: over 15 s. Later ones only when a packet comes. */
const TRIES = 6;
/** Of what went there; an acknowledgement of what went earlier is not waited for. */
const MAX_RUNS = 16;

/**
 * The peer of a session seems to be elsewhere: its newest packet came from there. It may have forged
 * that, and somebody else would get everything (RFC 9000 section 9.3). So it has to acknowledge a
 * packet that went there, whose number it cannot guess: a random count of numbers is never used
 * between what goes there and what goes where it was (sections 8.2 and 21.4). Until then what goes
 * there is bounded by what came from there (section 8.1).
 */
export class PathValidation {
  readonly to: Address;
  #creditBytes = 0;
  /** Numbers of packets that went there, the latest last; bounded by `MAX_RUNS`. */
  readonly #runs: SequenceRange[] = [];
  #isThere = false;
  #waitMs = FIRST_WAIT_MS;
  #tries = 0;
  #dueAtMs = Number.NEGATIVE_INFINITY;

  constructor(to: Address) {
    this.to = to;
  }

  /** A valid packet of so many bytes came from there. */
  heard(sizeBytes: number): void {
    this.#creditBytes += MAX_AMPLIFICATION * sizeBytes;
  }

  /** What came from there pays for `sizeBytes`. */
  affords(sizeBytes: number): boolean {
    return sizeBytes <= this.#creditBytes;
  }

  /** The packet before went to the other address: numbers must be skipped now. */
  isSwitch(isThere: boolean): boolean {
    return isThere !== this.#isThere;
  }

  /** A packet went there, or where the peer was. */
  sent(isThere: boolean, packetNumber: number, sizeBytes: number): void {
    const latest = this.#runs.at(-1);
    if (isThere) {
      this.#creditBytes -= sizeBytes;
      const first = this.#isThere ? (latest?.first ?? packetNumber) : packetNumber;
      if (this.#isThere) this.#runs.pop();
      this.#runs.push({ first, last: packetNumber });
      if (this.#runs.length > MAX_RUNS) this.#runs.shift();
    }
    this.#isThere = isThere;
  }

  /** A challenge is due: something that must be acknowledged. */
  isDue(nowMs: number): boolean {
    return nowMs >= this.#dueAtMs;
  }

  /** When the next one is due even if no packet comes; Infinity for never. */
  get wakeAtMs(): number {
    return this.#tries < TRIES ? this.#dueAtMs : Number.POSITIVE_INFINITY;
  }

  /** A challenge goes out now, if it can be paid for. */
  challenged(nowMs: number): void {
    this.#dueAtMs = nowMs + this.#waitMs;
    if (this.#tries < TRIES) this.#waitMs *= 2;
    this.#tries += 1;
  }

  /** Something that went there arrived. Whoever acknowledges more than went there only guesses. */
  isProvenBy({ ranges }: AckFrame): boolean {
    return ranges.some(({ first, last }) =>
      this.#runs.some((run) => run.first <= first && last <= run.last),
    );
  }
}
