import process from "node:process";
import type { Count } from "../comparison/orders.js";

const ROUND_DIGITS = 2;
const NUMBER_DIGITS = 8;
const HEAD_LENGTH = ROUND_DIGITS + NUMBER_DIGITS + 1;

/** The texts of a round: each of `sizeBytes`, with its number from 0 on. */
export function textsOf(round: number, sizeBytes: number): (number: number) => string {
  const head = String(round).padStart(ROUND_DIGITS, "0");
  const rest = ` ${"x".repeat(sizeBytes - HEAD_LENGTH)}`;
  return (number) => `${head}${String(number).padStart(NUMBER_DIGITS, "0")}${rest}`;
}

/** Processor time of this process since then. */
export function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Counts what came of a round: each text once, and in which order. */
export class Tally {
  readonly #round: number;
  /** By number; bounded by what can be sent in a round. */
  #seen = new Uint8Array(1 << 20);
  #received = 0;
  #duplicates = 0;
  #disordered = 0;
  #next = 0;
  #firstAtMs = 0;
  #lastAtMs = 0;
  readonly #cpu = process.cpuUsage();

  constructor(round: number) {
    this.#round = round;
  }

  get received(): number {
    return this.#received;
  }

  take(text: string): void {
    // What is left of an earlier round.
    if (Number(text.slice(0, ROUND_DIGITS)) !== this.#round) return;
    const number = Number(text.slice(ROUND_DIGITS, ROUND_DIGITS + NUMBER_DIGITS));
    if (number >= this.#seen.length) this.#grow(number);
    if (this.#seen[number] === 1) {
      this.#duplicates += 1;
      return;
    }
    this.#seen[number] = 1;
    if (number < this.#next) this.#disordered += 1;
    else this.#next = number + 1;
    this.#lastAtMs = performance.now();
    if (this.#received === 0) this.#firstAtMs = this.#lastAtMs;
    this.#received += 1;
  }

  /** When all of `sent` are here, or none came for so long. */
  async counted(sent: number, quietMs: number, turn: () => Promise<unknown>): Promise<Count> {
    let before = -1;
    let sinceMs = performance.now();
    while (this.#received < sent && performance.now() - sinceMs < quietMs) {
      if (this.#received !== before) {
        before = this.#received;
        sinceMs = performance.now();
      }
      await turn();
    }
    return {
      kind: "counted",
      received: this.#received,
      duplicates: this.#duplicates,
      disordered: this.#disordered,
      spanMs: this.#lastAtMs - this.#firstAtMs,
      cpuMs: cpuMsSince(this.#cpu),
    };
  }

  #grow(number: number): void {
    const grown = new Uint8Array(2 * Math.max(number, this.#seen.length));
    grown.set(this.#seen);
    this.#seen = grown;
  }
}
