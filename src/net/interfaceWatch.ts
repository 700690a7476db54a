import { errnoOf } from "../errors.js";
import { sameInterfaces } from "./interfaces.js";
import type { LanInterface } from "./lan.js";

/** Node has no event for a changed interface (Wi-Fi, VPN, sleep): we look this often. */
export const INTERFACE_POLL_MS = 2000;

/** A failed send asks for a look at once, but a storm of them for no more than one in this time. */
const MIN_HURRIED_POLL_MS = 1000;

export interface InterfaceWatchOptions {
  readonly list: () => readonly LanInterface[];
  /** After every look; `changed` says whether it saw something else than the one before. */
  readonly polled: (interfaces: readonly LanInterface[], changed: boolean) => void;
  /** The table could not be read; what was known last stays. `code` is an errno. */
  readonly failed: (code: string) => void;
  readonly nowMs: () => number;
  /** Default {@link INTERFACE_POLL_MS}. */
  readonly intervalMs?: number;
}

/** Knows the interfaces of this host, and notices when they change. */
export class InterfaceWatch {
  readonly #options: InterfaceWatchOptions;
  #interfaces: readonly LanInterface[] = [];
  #timer: NodeJS.Timeout | undefined;
  #lastPollMs = -Infinity;

  constructor(options: InterfaceWatchOptions) {
    this.#options = options;
  }

  /** As seen last. */
  get interfaces(): readonly LanInterface[] {
    return this.#interfaces;
  }

  /** Looks once, and then again and again; the timer keeps no process alive. */
  start(): void {
    this.poll();
    this.#timer = setInterval(() => this.poll(), this.#options.intervalMs ?? INTERFACE_POLL_MS);
    this.#timer.unref();
  }

  /** Looks now. */
  poll(): void {
    this.#lastPollMs = this.#options.nowMs();
    let seen: readonly LanInterface[];
    try {
      seen = this.#options.list();
    } catch (error) {
      this.#options.failed(errnoOf(error) ?? "UNKNOWN");
      return;
    }
    const changed = !sameInterfaces(seen, this.#interfaces);
    if (changed) this.#interfaces = seen;
    this.#options.polled(this.#interfaces, changed);
  }

  /** Looks now, unless it did a moment ago: for failures that smell of a changed interface. */
  hurry(): void {
    if (this.#timer === undefined) return;
    if (this.#options.nowMs() - this.#lastPollMs >= MIN_HURRIED_POLL_MS) this.poll();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
