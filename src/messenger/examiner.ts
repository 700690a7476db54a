import { EXAMINED_GROUPS } from "../core/examination/probeWays.js";
import type { CoreEvent, ExaminationOutcome, Token } from "../core/io.js";
import type { Lan } from "../net/lan.js";
import type { Clock } from "./clock.js";
import type { Driver } from "./driver.js";
import type { Outbound, Outgoing } from "./outgoing.js";
import { peerRef, type TrustReader } from "./peerShapes.js";
import type { Examination } from "./types.js";
import { closedError } from "./waiting.js";

/** A peer of this version is ready in a few milliseconds; an older one never. */
const READY_WITHIN_MS = 1_500;
/** For as long a peer's groups are heard: longer than an examination takes. */
const GROUPS_HELD_MS = 3_000;

/** What an examiner builds on. */
export interface ExaminerParts {
  readonly driver: Driver;
  readonly lan: Lan;
  readonly clock: Clock;
  readonly outgoing: Outgoing;
  readonly trust: TrustReader;
}

type EventOf<Kind extends CoreEvent["kind"]> = Extract<CoreEvent, { readonly kind: Kind }>;

/** Examines the way to a peer, and helps peers to examine the way to us. */
export class Examiner {
  readonly #parts: ExaminerParts;
  /** Bounded by what the core lets run. */
  readonly #waiting = new Map<Token, (outcome: ExaminationOutcome | undefined) => void>();
  /** Cancels what will leave the groups that a peer asked for; bounded as that. */
  readonly #held = new Set<() => void>();
  #closed = false;

  constructor(parts: ExaminerParts) {
    this.#parts = parts;
  }

  /** @param outbound who is examined; its text is ignored */
  async examine(outbound: Outbound): Promise<Examination> {
    const { outgoing } = this.#parts;
    const leave = await this.#joinGroups();
    let asked: Token | undefined;
    let outcome: Promise<ExaminationOutcome | undefined> | undefined;
    try {
      const { to, rttMs } = await outgoing.sendText({
        ...outbound,
        handOver: (core, nowMs, recipient, token) => {
          core.examine(nowMs, recipient, token);
          asked = token;
          outcome = new Promise((resolve) => this.#waiting.set(token, resolve));
        },
      });
      this.#expectReady(asked);
      const found = await outcome;
      if (found === undefined) throw closedError();
      return this.#examination(found, to, rttMs);
    } finally {
      this.#forget(asked);
      await leave();
    }
  }

  #expectReady(token: Token | undefined): void {
    if (token === undefined) return;
    this.#parts.driver.command((core, nowMs) => core.expectReady(nowMs, token, READY_WITHIN_MS));
  }

  #forget(token: Token | undefined): void {
    if (token === undefined || !this.#waiting.delete(token)) return;
    this.#parts.driver.command((core, nowMs) => core.cancelExamination(nowMs, token));
  }

  #examination(
    { result, peer, clock, ways }: ExaminationOutcome,
    to: Examination["peer"],
    rttMs: number,
  ): Examination {
    const { clock: own, trust } = this.#parts;
    return {
      peer: peer === undefined ? to : peerRef(peer, trust),
      result,
      rttMs,
      clockAheadMs: clock === undefined ? null : clock.peerMs - wallAt(own, clock.readAtMs),
      ways: ways.map(({ heardThere, ...way }) => ({ ...way, heardThere: heardThere ?? null })),
    };
  }

  /** An examination is no business with a peer: its key is not remembered for it. */
  isExamining(token: Token): boolean {
    return this.#waiting.has(token);
  }

  settle(event: EventOf<"examinationAsked" | "examined">): void {
    if (event.kind === "examinationAsked") {
      void this.#help(event.key);
      return;
    }
    this.#waiting.get(event.token)?.(event.outcome);
    this.#waiting.delete(event.token);
  }

  close(): void {
    this.#closed = true;
    for (const end of this.#waiting.values()) end(undefined);
    this.#waiting.clear();
    for (const cancelTimer of this.#held) cancelTimer();
    this.#held.clear();
  }

  async #help(key: string): Promise<void> {
    const { driver, clock } = this.#parts;
    const leave = await this.#joinGroups();
    if (this.#closed) return;
    driver.command((core, nowMs) => core.readyForExamination(nowMs, key, clock.wallMs()));
    const cancelTimer = clock.after(GROUPS_HELD_MS, () => {
      this.#held.delete(cancelTimer);
      void leave();
    });
    this.#held.add(cancelTimer);
  }

  /** A group that can't be joined is found not to be heard. Returns how to leave those that were. */
  async #joinGroups(): Promise<() => Promise<void>> {
    const { lan } = this.#parts;
    const groups = EXAMINED_GROUPS.map((address) => ({ address, port: lan.discoveryPort }));
    const joins = await Promise.allSettled(groups.map((group) => lan.joinGroup(group)));
    const joined = groups.filter((_, index) => joins[index]?.status === "fulfilled");
    return async () => {
      await Promise.allSettled(joined.map((group) => lan.leaveGroup(group)));
    };
  }
}

/** The wall clock when the monotonic one showed `atMs`. */
function wallAt(clock: Clock, atMs: number): number {
  return clock.wallMs() - (clock.nowMs() - atMs);
}
