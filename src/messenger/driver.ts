import type { Core } from "../core/core.js";
import type { CoreEvent, Transmit } from "../core/io.js";
import type { Lan, LanDatagram } from "../net/lan.js";
import type { Clock } from "./clock.js";
import { MovableTimer } from "./movableTimer.js";

/** What goes into a poll, and what becomes of its events. */
export interface Settling {
  /** Gives the core what was left for the end of the turn. */
  readonly prepare: (core: Core, nowMs: number) => void;
  /**
   * Keeps what must not be lost, all of a poll at once, and returns what is to be settled. If it
   * throws nothing is transmitted any more: no acknowledgement leaves for what is not kept.
   */
  readonly record: (events: readonly CoreEvent[]) => readonly CoreEvent[];
  readonly settle: (event: CoreEvent) => void;
}

/**
 * Runs a core on a network and a clock. Datagrams and commands of one turn of the event loop are
 * taken in first; then the core is polled once, so that they share datagrams. Of each poll the
 * events are recorded and settled before the datagrams leave: see `core/io.ts`.
 */
export class Driver {
  readonly #core: Core;
  readonly #lan: Lan;
  readonly #clock: Clock;
  readonly #settling: Settling;
  #turnScheduled = false;
  /** The next command is probably an answer to what the last turn told. */
  #expectsAnswer = false;
  #stopped = false;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  readonly #timer: MovableTimer;
  /** Bounded by the commands of one turn. */
  #afterTurn: (() => void)[] = [];

  constructor(core: Core, lan: Lan, clock: Clock, settling: Settling) {
    this.#core = core;
    this.#lan = lan;
    this.#clock = clock;
    this.#settling = settling;
    this.#timer = new MovableTimer(clock, () => this.#turn());
    this.#scheduleTurn();
  }

  /** Does something to the core; what comes of it leaves at the end of the turn. */
  command<T>(run: (core: Core, nowMs: number) => T): T {
    const result = run(this.#core, this.#clock.nowMs());
    this.wantTurn();
    return result;
  }

  /** There is something for the core, now or when the turn is prepared. */
  wantTurn(): void {
    if (this.#expectsAnswer) this.#scheduleAnswer();
    else this.#scheduleTurn();
  }

  /** Asks the core something that changes nothing. */
  inspect<T>(read: (core: Core) => T): T {
    return read(this.#core);
  }

  /** A datagram of our protocol. */
  receive(datagram: LanDatagram): void {
    this.#core.receive(this.#clock.nowMs(), datagram);
    this.#scheduleTurn();
  }

  /** Settles when what was commanded so far has been handed to the sockets. */
  afterTurn(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      this.#afterTurn.push(resolve);
      this.#scheduleTurn();
    });
  }

  /** No further turns: neither events nor datagrams. */
  stop(): void {
    this.#stopped = true;
    this.#timer.stop();
    this.#releaseWaiters();
  }

  #scheduleTurn(): void {
    if (this.#turnScheduled || this.#stopped) return;
    this.#turnScheduled = true;
    this.#clock.endOfTurn(() => {
      this.#turnScheduled = false;
      this.#expectsAnswer = true;
      this.#turn();
    });
  }

  /**
   * A reply, or the next request of somebody who waited for the last one, need not wait for the event
   * loop to come round. Once per turn: whoever answers himself for ever must not stop the loop.
   */
  #scheduleAnswer(): void {
    this.#expectsAnswer = false;
    if (this.#turnScheduled || this.#stopped) return;
    this.#turnScheduled = true;
    this.#clock.afterPromises(() => {
      this.#turnScheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#stopped) return;
    const nowMs = this.#clock.nowMs();
    this.#settling.prepare(this.#core, nowMs);
    if (nowMs >= this.#wakeAtMs) this.#core.wake(nowMs);
    const { events, transmits, wakeAtMs } = this.#core.poll(nowMs);
    const recorded = this.#record(events);
    try {
      this.#settleAll(recorded);
    } finally {
      for (const transmit of transmits) this.#transmit(transmit);
      this.#armTimer(nowMs, wakeAtMs);
      this.#releaseWaiters();
    }
  }

  #record(events: readonly CoreEvent[]): readonly CoreEvent[] {
    try {
      return this.#settling.record(events);
    } catch (error) {
      // The core would acknowledge it the next time.
      this.stop();
      throw error;
    }
  }

  /** An event that cannot be settled keeps neither the others nor the datagrams: told at the end. */
  #settleAll(events: readonly CoreEvent[]): void {
    const errors: unknown[] = [];
    for (const event of events) {
      try {
        this.#settling.settle(event);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  #transmit({ bytes, destination }: Transmit): void {
    switch (destination.kind) {
      case "unicast":
        this.#lan.sendUnicast(bytes, destination.to);
        return;
      case "lan":
        this.#lan.sendLan(bytes);
        return;
      case "broadcast":
        this.#lan.sendBroadcast(bytes);
        return;
      case "multicast":
        this.#lan.sendMulticast(bytes, destination.to);
    }
  }

  #armTimer(nowMs: number, wakeAtMs: number): void {
    this.#wakeAtMs = wakeAtMs;
    if (!this.#stopped) this.#timer.set(nowMs, wakeAtMs);
  }

  #releaseWaiters(): void {
    const waiters = this.#afterTurn;
    this.#afterTurn = [];
    for (const release of waiters) release();
  }
}
