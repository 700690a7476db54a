import { malformed } from "../../wire/cursor.js";
import type { AckFrame } from "../../wire/frames.js";
import type { SequenceRange } from "../../wire/group.js";
import { NewReno } from "./congestion.js";
import { RttEstimator } from "./rtt.js";
import type { PacketContent } from "./sendQueue.js";

/** A packet this many behind one acknowledged is lost (kPacketThreshold, RFC 9002 section 6.1.1). */
const PACKET_THRESHOLD = 3;
/** Jitter of the probe timeout, so that the probes of many senders don't march in step. */
const PROBE_JITTER = 0.25;

export interface SentPacket extends PacketContent {
  readonly packetNumber: number;
  readonly sentAtMs: number;
  readonly sizeBytes: number;
}

export interface AckOutcome {
  readonly acknowledged: readonly SentPacket[];
  readonly lost: readonly SentPacket[];
}

/**
 * The sending half of a session's packet numbers: which packets are in flight, which were
 * lost, and when to probe. RFC 9002 section 6 and appendix A.
 *
 * Every packet that elicits an acknowledgement is in `#inFlight` from its sending until it is
 * acknowledged or declared lost; the congestion window counts exactly those bytes.
 */
export class Recovery {
  readonly rtt = new RttEstimator();
  readonly congestion = new NewReno();
  /** By packet number, ascending. Bounded by the window, the peer's credit and two per probe. */
  #inFlight: SentPacket[] = [];
  readonly #jitter: () => number;
  #nextPacketNumber = 0;
  #largestAcknowledged = -1;
  #lastElicitingAtMs = 0;
  #lossAtMs = Number.POSITIVE_INFINITY;
  #probeJitter: number;
  #probesUnanswered = 0;

  /** `uniform`: chance in [0, 1). */
  constructor(uniform: () => number) {
    this.#jitter = uniform;
    this.#probeJitter = uniform() * PROBE_JITTER;
  }

  get packetsInFlight(): number {
    return this.#inFlight.length;
  }

  /** Probes since the last acknowledgement. */
  get probesUnanswered(): number {
    return this.#probesUnanswered;
  }

  get nextPacketNumber(): number {
    return this.#nextPacketNumber;
  }

  /** Every packet, acknowledgements too, takes the next number: none is ever used twice. */
  takePacketNumber(): number {
    const packetNumber = this.#nextPacketNumber;
    this.#nextPacketNumber += 1;
    return packetNumber;
  }

  /** So many numbers are never used. */
  skipPacketNumbers(count: number): void {
    this.#nextPacketNumber += count;
  }

  sent(packet: SentPacket): void {
    this.#inFlight.push(packet);
    this.#lastElicitingAtMs = packet.sentAtMs;
    this.congestion.sent(packet.sizeBytes);
  }

  wasSent(packetNumber: number): boolean {
    return packetNumber < this.#nextPacketNumber;
  }

  /** `limited`: the window was full when the packets were sent. Throws on numbers never used. */
  acknowledge(nowMs: number, ack: AckFrame, limited: boolean): AckOutcome {
    const largest = ack.ranges[0]?.last ?? -1;
    if (!this.wasSent(largest)) throw malformed("acknowledges what was never sent");
    const acknowledged = this.#takeAcknowledged(ack.ranges);
    const newest = acknowledged.at(-1);
    if (newest !== undefined) {
      this.#probesUnanswered = 0;
      if (newest.packetNumber === largest) {
        this.rtt.sample(Math.max(0, nowMs - newest.sentAtMs), ack.delayUs / 1000);
      }
      for (const packet of acknowledged) this.congestion.acknowledged(packet, limited);
    }
    this.#largestAcknowledged = Math.max(this.#largestAcknowledged, largest);
    return { acknowledged, lost: this.#detectLost(nowMs) };
  }

  /** When to call `onTimeout`; Infinity when nothing is in flight. */
  get timeoutAtMs(): number {
    if (this.#lossAtMs !== Number.POSITIVE_INFINITY) return this.#lossAtMs;
    if (this.#inFlight.length === 0) return Number.POSITIVE_INFINITY;
    const waitMs = this.rtt.probeTimeoutMs(this.#probesUnanswered) * (1 + this.#probeJitter);
    return this.#lastElicitingAtMs + waitMs;
  }

  /** At `timeoutAtMs`: packets now known lost, or how many probes to send (RFC 9002 section 6.2.4). */
  onTimeout(nowMs: number): { readonly lost: readonly SentPacket[]; readonly probes: number } {
    if (this.#lossAtMs <= nowMs) return { lost: this.#detectLost(nowMs), probes: 0 };
    const probes = this.#probesUnanswered === 0 ? 1 : 2;
    this.#probesUnanswered += 1;
    this.#probeJitter = this.#jitter() * PROBE_JITTER;
    return { lost: [], probes };
  }

  /** The oldest packets in flight: what a probe carries once more. */
  oldest(count: number): SentPacket[] {
    return this.#inFlight.slice(0, count);
  }

  #takeAcknowledged(ranges: readonly SequenceRange[]): SentPacket[] {
    const acknowledged: SentPacket[] = [];
    const others: SentPacket[] = [];
    // Ranges run downwards: ranges[index] is the first that may still reach up to the packet.
    let index = ranges.length - 1;
    for (const packet of this.#inFlight) {
      let range = ranges[index];
      while (range !== undefined && range.last < packet.packetNumber) {
        index -= 1;
        range = ranges[index];
      }
      const isAcknowledged = range !== undefined && packet.packetNumber >= range.first;
      (isAcknowledged ? acknowledged : others).push(packet);
    }
    this.#inFlight = others;
    return acknowledged;
  }

  #detectLost(nowMs: number): SentPacket[] {
    const lost: SentPacket[] = [];
    const lossDelayMs = this.rtt.lossDelayMs();
    this.#lossAtMs = Number.POSITIVE_INFINITY;
    for (const packet of this.#inFlight) {
      if (packet.packetNumber > this.#largestAcknowledged) break;
      const farBehind = packet.packetNumber <= this.#largestAcknowledged - PACKET_THRESHOLD;
      const lostAtMs = packet.sentAtMs + lossDelayMs;
      if (farBehind || lostAtMs <= nowMs) {
        lost.push(packet);
      } else {
        this.#lossAtMs = Math.min(this.#lossAtMs, lostAtMs);
      }
    }
    if (lost.length === 0) return lost;
    this.#inFlight = this.#inFlight.filter((packet) => !lost.includes(packet));
    for (const packet of lost) this.congestion.lost(packet, nowMs);
    return lost;
  }
}
