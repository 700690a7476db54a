import type { HeardWay } from "../../wire/examination.js";
import type { Outputs, PeerRef, ReceivedDatagram } from "../io.js";
import { cameThatWay, PROBE_WAYS, probeOf, probeToken } from "./probeWays.js";

/** When probes leave, after the first of them: what one moment loses the next does not. */
const ROUND_OFFSETS_MS = [0, 250, 600];
/** Of probes that were sent; counts of those that were heard are at most that. */
export const PROBE_ROUNDS = ROUND_OFFSETS_MS.length;
/** Whoever says that he is ready begins this much later: who is to hear it must know of it first. */
export const HEADSTART_MS = 100;
/** From `ready` on: then the last probes of both sides have come, or never will. */
export const PROBING_MS = 1_000;

export interface ProbingOptions {
  /** Of the examination, 32 hexadecimal digits. */
  readonly key: string;
  /** Our device. */
  readonly self: string;
  /** Where the session says that the peer is: it has shown that. */
  readonly peer: PeerRef;
  readonly discoveryPort: number;
  readonly outputs: Outputs;
}

/** One side of an examination: sends probes every way, and counts those of the peer. */
export class Probing {
  readonly #options: ProbingOptions;
  readonly #firstRoundMs: number;
  #roundsSent = 0;
  /** Tokens of the peer's probes that were not heard yet, with their place in `PROBE_WAYS`. */
  readonly #expected = new Map<string, number>();
  readonly #heard: number[] = PROBE_WAYS.map(() => 0);

  constructor(firstRoundMs: number, options: ProbingOptions) {
    this.#options = options;
    this.#firstRoundMs = firstRoundMs;
    for (const [index, { code }] of PROBE_WAYS.entries()) {
      for (let round = 0; round < PROBE_ROUNDS; round += 1) {
        this.#expected.set(
          probeToken(options.key, { sender: options.peer.id, code, round }),
          index,
        );
      }
    }
  }

  /** When the next round leaves; Infinity after the last. */
  get nextRoundMs(): number {
    const offsetMs = ROUND_OFFSETS_MS[this.#roundsSent];
    return offsetMs === undefined ? Number.POSITIVE_INFINITY : this.#firstRoundMs + offsetMs;
  }

  /** Sends the rounds that are due. */
  send(nowMs: number): void {
    const { key, self, peer, discoveryPort, outputs } = this.#options;
    while (this.nextRoundMs <= nowMs) {
      const round = this.#roundsSent;
      for (const row of PROBE_WAYS) {
        const token = probeToken(key, { sender: self, code: row.code, round });
        const { bytes, destination } = probeOf(row, token, { peer, discoveryPort });
        outputs.transmit(bytes, destination);
      }
      this.#roundsSent += 1;
    }
  }

  /** Each probe counts once. False: it is none of this examination, or came another way. */
  receive(token: string, datagram: ReceivedDatagram): boolean {
    const index = this.#expected.get(token);
    const row = index === undefined ? undefined : PROBE_WAYS[index];
    if (index === undefined || row === undefined || !cameThatWay(row, datagram)) return false;
    this.#expected.delete(token);
    this.#heard[index] = (this.#heard[index] ?? 0) + 1;
    return true;
  }

  /** How much of each way was heard, in the order of `PROBE_WAYS`. */
  heard(): HeardWay[] {
    return PROBE_WAYS.map(({ code }, index) => ({ way: code, count: this.#heard[index] ?? 0 }));
  }
}
