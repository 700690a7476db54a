import type { StoreWatch } from "./diskWatch.js";

/** How a process ends: alone, or with its machine. */
export type Ending = "kill" | "power cut";

/**
 * A moment within a turn. Of a batch: before it; when `writes` writes of it are done, and rolled
 * back by that; while it is committed; when it is committed, and nothing of it was told anybody.
 * Of a datagram: before it leaves, when those before it did. `tooLate`: where something of a message
 * is written, and not committed, in a turn some of whose datagrams have left: they must not rely on it.
 */
export type CrashMoment =
  | { readonly at: "before" | "committing" | "after" }
  | { readonly at: "within"; readonly writes: number }
  | { readonly at: "datagram" | "tooLate" };

export interface CrashPoint {
  readonly moment: CrashMoment;
  /** The first batch, datagram, or write that is too late, from now on is 1. */
  readonly nth: number;
  readonly ending: Ending;
  /** Then it starts again. */
  readonly awayMs: number;
}

/** Ends a process in the middle of what it does. */
export class CrashPoints {
  readonly #die: (point: CrashPoint) => void;
  #armed: { readonly point: CrashPoint; left: number } | undefined;
  /** Writes of the batch that runs. */
  #writes = 0;
  /** In this turn. */
  #hasSent = false;

  /** @param die nothing that the process does from now on has an effect */
  constructor(die: (point: CrashPoint) => void) {
    this.#die = die;
  }

  arm(point: CrashPoint): void {
    this.#armed = { point, left: point.nth };
  }

  disarm(): void {
    this.#armed = undefined;
  }

  /** Of the store as the process sees it. */
  readonly watch: Required<Pick<StoreWatch, "before" | "wrote">> & {
    readonly committed: () => void;
    readonly done: () => void;
  } = {
    before: () => {
      this.#writes = 0;
      const armed = this.#armed;
      const at = armed?.point.moment.at;
      if (armed === undefined || at === "datagram" || at === "tooLate") return;
      armed.left -= 1;
      if (armed.left === 0) this.#reached("before");
    },
    wrote: (message) => {
      this.#writes += 1;
      const armed = this.#armed;
      const moment = armed?.point.moment;
      if (moment?.at === "within" && this.#writes >= moment.writes) this.#reached("within");
      if (armed === undefined || moment?.at !== "tooLate" || message === undefined) return;
      if (this.#hasSent) armed.left -= 1;
      this.#reached("tooLate");
    },
    committed: () => this.#reached("committing"),
    done: () => this.#reached("after"),
  };

  /** A turn of the event loop begins. */
  turn(): void {
    this.#hasSent = false;
  }

  /** A datagram is about to leave. */
  sending(): void {
    this.#hasSent = true;
    const armed = this.#armed;
    if (armed?.point.moment.at !== "datagram") return;
    armed.left -= 1;
    this.#reached("datagram");
  }

  #reached(at: CrashMoment["at"]): void {
    const armed = this.#armed;
    if (armed === undefined || armed.left > 0 || armed.point.moment.at !== at) return;
    this.#armed = undefined;
    this.#die(armed.point);
  }
}
