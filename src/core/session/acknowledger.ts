import { MAX_RANGES } from "../../wire/constants.js";
import { type AckFrame, FrameType } from "../../wire/frames.js";
import { RangeSet } from "../rangeSet.js";
import { MAX_ACK_DELAY_MS } from "./rtt.js";

/** Acknowledge at the latest every second ack-eliciting packet (RFC 9000 section 13.2.2). */
const ACK_EVERY_PACKETS = 2;

/**
 * The receiving half of a session's packet numbers: refuses repeats, knows what to acknowledge,
 * and when. RFC 9000 section 13.2.
 */
export class Acknowledger {
  readonly #windowPackets: number;
  /** One more than is ever kept, so that it never joins ranges: a join would acknowledge a hole. */
  readonly #received = new RangeSet(MAX_RANGES + 1);
  /** Everything below is refused. */
  #floor = 0;
  #largestAtMs = 0;
  #unacknowledged = 0;
  #dueAtMs = Number.POSITIVE_INFINITY;

  /** `windowPackets`: numbers further below the highest are refused, as in RFC 4303 section 3.4.3. */
  constructor(windowPackets: number) {
    this.#windowPackets = windowPackets;
  }

  /** True if the packet number is new and inside the window. Changes nothing. */
  isNew(packetNumber: number): boolean {
    return packetNumber >= this.#floor && !this.#received.has(packetNumber);
  }

  /** Records a packet whose seal was valid and whose frames were taken. */
  received(nowMs: number, packetNumber: number, elicits: "nothing" | "soon" | "now"): void {
    const expected = this.#received.highest + 1;
    if (packetNumber >= expected) this.#largestAtMs = nowMs;
    this.#received.add(packetNumber);
    this.#raiseFloor(this.#received.highest - this.#windowPackets);
    if (this.#received.rangeCount > MAX_RANGES) this.#raiseFloor(this.#received.dropLowest() + 1);
    if (elicits === "nothing") return;
    this.#unacknowledged += 1;
    const disordered = packetNumber !== expected;
    if (elicits === "now" || disordered || this.#unacknowledged >= ACK_EVERY_PACKETS) {
      this.#dueAtMs = nowMs;
    } else {
      this.#dueAtMs = Math.min(this.#dueAtMs, nowMs + MAX_ACK_DELAY_MS);
    }
  }

  /** When an acknowledgement must leave at the latest; Infinity for none. */
  get dueAtMs(): number {
    return this.#dueAtMs;
  }

  /** An acknowledgement is owed: a packet that leaves anyway takes it along. */
  get owed(): boolean {
    return this.#unacknowledged > 0;
  }

  /** The frame to send now; the debt is paid with it. */
  take(nowMs: number, creditDatagrams: number): AckFrame {
    this.#unacknowledged = 0;
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    return {
      type: FrameType.ack,
      delayUs: Math.max(0, Math.round((nowMs - this.#largestAtMs) * 1000)),
      creditDatagrams,
      ranges: this.#received.descending(MAX_RANGES),
    };
  }

  #raiseFloor(floor: number): void {
    if (floor <= this.#floor) return;
    this.#floor = floor;
    this.#received.forgetBelow(floor);
  }
}
