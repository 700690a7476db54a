import { type Address, addressKey, type Destination, type Transmit } from "../../src/core/io.js";
import { type RandomSource, uniformBetween } from "../../src/crypto/random.js";
import { Agenda } from "./agenda.js";

/** What a simulated LAN does to datagrams. Percentages are per datagram and receiver. */
export interface Faults {
  lossPercent: number;
  duplicatePercent: number;
  /** This share is held back by up to `reorderMs`, so that later ones overtake. */
  reorderPercent: number;
  reorderMs: number;
  /** Every datagram takes a time drawn from this range. */
  minDelayMs: number;
  maxDelayMs: number;
}

export const CALM: Faults = {
  lossPercent: 0,
  duplicatePercent: 0,
  reorderPercent: 0,
  reorderMs: 20,
  minDelayMs: 0.1,
  maxDelayMs: 0.5,
};

/** Wall clock of a simulation at time 0. */
export const EPOCH_MS = Date.UTC(2026, 0, 1);

/** A host as its LAN sees it. */
export interface Station {
  readonly name: string;
  /** Where what it sends comes from, now. */
  readonly address: Address;
  /** What reaches its sockets, now. */
  listensTo(destination: Destination): boolean;
  receive(transmit: Transmit, from: Address): void;
}

/** How the LAN stands between two hosts, and who hears of what it does. */
export interface MediumRules<Host extends Station> {
  /** Between these two now; a host and itself are not subject to it. */
  readonly faults: (from: Host, to: Host) => Faults;
  readonly passes: (from: Host, to: Host, transmit: Transmit) => boolean;
  readonly random: (from: Host, to: Host) => RandomSource;
  readonly sent?: (from: Host, transmit: Transmit) => void;
  readonly lost?: (to: Host, transmit: Transmit) => void;
  /** What arrives of it in the end. */
  readonly arriving?: (from: Host, to: Host, transmit: Transmit) => Transmit;
}

/** Time, and a LAN on which datagrams take some. */
export class SimMedium<Host extends Station> {
  readonly agenda = new Agenda();
  /** Bounded by the hosts of the simulation. */
  readonly stations: Host[] = [];
  readonly #rules: MediumRules<Host>;
  #nowMs = 0;

  constructor(rules: MediumRules<Host>) {
    this.#rules = rules;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Does what is next, if it is due by `endMs`; false, with the time there, if nothing is. */
  step(endMs: number): boolean {
    const next = this.agenda.takeUntil(endMs);
    this.#nowMs = Math.max(this.#nowMs, next?.atMs ?? endMs);
    next?.action();
    return next !== undefined;
  }

  send(from: Host, transmit: Transmit): void {
    this.#rules.sent?.(from, transmit);
    for (const to of this.stations) {
      if (!to.listensTo(transmit.destination)) continue;
      if (from === to || this.#rules.passes(from, to, transmit)) this.#carry(from, to, transmit);
    }
  }

  #carry(from: Host, to: Host, transmit: Transmit): void {
    // What a host sends to itself does not pass through the LAN.
    const faults = from === to ? CALM : this.#rules.faults(from, to);
    const random = this.#rules.random(from, to);
    const chance = (percent: number): boolean => percent > 0 && random.uniform() * 100 < percent;
    if (chance(faults.lossPercent)) {
      this.#rules.lost?.(to, transmit);
      return;
    }
    const source = from.address;
    const copies = chance(faults.duplicatePercent) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      let delayMs = uniformBetween(random, faults.minDelayMs, faults.maxDelayMs);
      if (chance(faults.reorderPercent)) delayMs += faults.reorderMs * random.uniform();
      this.agenda.add(this.#nowMs + delayMs, () => {
        const arrives = from === to ? undefined : this.#rules.arriving?.(from, to, transmit);
        to.receive(arrives ?? transmit, source);
      });
    }
  }
}

/** For a trace: `-> lan`, `-> 10.77.0.1:22400`. */
export function destinationText(destination: Destination): string {
  return `-> ${"to" in destination ? addressKey(destination.to) : destination.kind}`;
}
