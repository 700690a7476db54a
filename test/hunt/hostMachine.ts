import { HostTime, type Timeline } from "./hostClock.js";
import { BUFFER_DATAGRAMS, NetworkCard } from "./simLan.js";

/** What a machine is part of. */
export interface HostMachineParts {
  readonly timeline: Timeline;
  /** Where its card is at first. */
  readonly address: string;
  /** Of others: no two cards have the same. */
  readonly addressesTaken: () => ReadonlySet<string>;
  /** Where it goes if its own address is taken. */
  readonly spareAddress: () => string;
  /** Lets the process that runs do something. */
  readonly run: (work: () => void) => void;
  /** A datagram found no room. */
  readonly overflowed: () => void;
}

/** The machine of a host: its network card and its clocks. It stands still now and then. */
export class HostMachine {
  readonly card: NetworkCard;
  readonly time = new HostTime();
  readonly #parts: HostMachineParts;
  #waitingDatagrams = 0;

  constructor(parts: HostMachineParts) {
    this.#parts = parts;
    this.card = new NetworkCard(parts.address);
  }

  get isPaused(): boolean {
    return this.time.frozenUntilMs > this.#parts.timeline.nowMs;
  }

  /** The kernel takes datagrams for a process that does not run, as many as its buffer holds. */
  whenRunning(read: () => void): boolean {
    const { frozenUntilMs } = this.time;
    const { nowMs, agenda } = this.#parts.timeline;
    if (frozenUntilMs <= nowMs) {
      this.#parts.run(read);
      return true;
    }
    if (this.#waitingDatagrams >= this.card.bufferDatagrams) {
      this.#parts.overflowed();
      return false;
    }
    this.#waitingDatagrams += 1;
    agenda.add(frozenUntilMs, () => {
      this.#waitingDatagrams -= 1;
      this.whenRunning(read);
    });
    return true;
  }

  /** The process stands still; its buffer holds so much of what arrives. */
  pause(spanMs: number, bufferDatagrams: number): void {
    this.card.bufferDatagrams = bufferDatagrams;
    const { nowMs } = this.#parts.timeline;
    this.time.frozenUntilMs = Math.max(this.time.frozenUntilMs, nowMs + spanMs);
  }

  /** All of it stands still, and hears nothing. */
  suspend(spanMs: number, clockStops: boolean): void {
    if (this.isPaused) return;
    const { timeline } = this.#parts;
    this.time.frozenUntilMs = timeline.nowMs + spanMs;
    this.card.isAsleep = true;
    if (clockStops) this.time.standStill(timeline.nowMs);
    timeline.agenda.add(this.time.frozenUntilMs, () => {
      if (this.isPaused) return; // peace came before, and another pause
      this.card.isAsleep = false;
      this.time.wakeUp(timeline.nowMs);
    });
  }

  /** Its link is back: with its own address, unless somebody else has that by now. */
  restoreLink(): void {
    if (this.card.address !== undefined) return;
    const { address, addressesTaken, spareAddress } = this.#parts;
    this.card.address = addressesTaken().has(address) ? spareAddress() : address;
  }

  /** No more faults. */
  recover(): void {
    this.card.isAsleep = false;
    this.card.bufferDatagrams = BUFFER_DATAGRAMS;
    this.time.wakeUp(this.#parts.timeline.nowMs);
    this.restoreLink();
  }
}
