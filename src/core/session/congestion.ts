import { MAX_DATAGRAM_BYTES } from "../../wire/constants.js";

/** RFC 9002 section 7.2. */
const INITIAL_WINDOW_BYTES = 10 * MAX_DATAGRAM_BYTES;
/**
 * RFC 9002 allows two datagrams. Four keep fast loss detection (a threshold of three packets)
 * working at the bottom, where Wi-Fi with heavy random loss would otherwise live on probes alone.
 */
const MINIMUM_WINDOW_BYTES = 4 * MAX_DATAGRAM_BYTES;
/** kLossReductionFactor. */
const REDUCTION = 0.5;

/** NewReno, RFC 9002 section 7 and appendix B, counted in bytes. */
export class NewReno {
  #windowBytes = INITIAL_WINDOW_BYTES;
  #thresholdBytes = Number.POSITIVE_INFINITY;
  #recoveryStartMs = Number.NEGATIVE_INFINITY;
  #inFlightBytes = 0;

  get windowBytes(): number {
    return this.#windowBytes;
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** Room for another full datagram. */
  get open(): boolean {
    return this.#inFlightBytes + MAX_DATAGRAM_BYTES <= this.#windowBytes;
  }

  sent(sizeBytes: number): void {
    this.#inFlightBytes += sizeBytes;
  }

  /** `limited`: the window, not a lack of data, held the sender back. Else it must not grow. */
  acknowledged(packet: { sizeBytes: number; sentAtMs: number }, limited: boolean): void {
    this.#inFlightBytes -= packet.sizeBytes;
    if (!limited || packet.sentAtMs <= this.#recoveryStartMs) return;
    if (this.#windowBytes < this.#thresholdBytes) {
      this.#windowBytes += packet.sizeBytes;
    } else {
      this.#windowBytes += (MAX_DATAGRAM_BYTES * packet.sizeBytes) / this.#windowBytes;
    }
  }

  /** One reduction per round trip: losses of packets sent before it began are part of it. */
  lost(packet: { sizeBytes: number; sentAtMs: number }, nowMs: number): void {
    this.#inFlightBytes -= packet.sizeBytes;
    if (packet.sentAtMs <= this.#recoveryStartMs) return;
    this.#recoveryStartMs = nowMs;
    this.#thresholdBytes = Math.max(this.#windowBytes * REDUCTION, MINIMUM_WINDOW_BYTES);
    this.#windowBytes = this.#thresholdBytes;
  }
}
