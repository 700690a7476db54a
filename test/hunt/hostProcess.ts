import type { MessageStore } from "../../src/store/messageStore.js";
import type { HostClock } from "./hostClock.js";
import type { SimLan } from "./simLan.js";

/** A process, from its start to its end; what it does afterwards has no effect. */
export class HostProcess {
  readonly number: number;
  readonly clock: HostClock;
  lan: SimLan | undefined;
  /** As others look at it. */
  store: MessageStore | undefined;
  /** Of the store. */
  changes = 0;
  #over = false;

  constructor(number: number, clock: HostClock) {
    this.number = number;
    this.clock = clock;
  }

  isOver(): boolean {
    return this.#over;
  }

  die(): void {
    this.#over = true;
    this.clock.die();
    void this.lan?.close();
  }
}
