import type { Instance } from "../../wire/presence.js";
import type { CoreContext } from "../context.js";
import type { Address, SendTarget, Token } from "../io.js";
import type { Alarm, TimerQueue } from "../timers.js";
import type { HeldBytes } from "./heldBytes.js";
import type { Pacer } from "./pacer.js";

/** What groups need of the rest of the core. */
export interface GroupsSurroundings {
  /** Where discovery knows a device. */
  addressOf(device: string): Address | undefined;
  /** That very start of a device has shown that it is running now. */
  isPresent(nowMs: number, instance: Instance): boolean;
  /** Asks whoever is at an address to show that it is running now. */
  challenge(nowMs: number, at: Address): void;
  /** Sends a group key note over a session; `token` as in commands, below zero for our own. */
  sendKey(nowMs: number, target: SendTarget, body: Uint8Array, token: Token): void;
  cancelKey(nowMs: number, token: Token): void;
}

/** What all memberships of this node share. */
export interface GroupsContext extends CoreContext, GroupsSurroundings {
  /** Deadlines of all groups, so that the next one is known without a scan. */
  readonly timers: TimerQueue<Alarm>;
  readonly pacer: Pacer;
  /** What waits for something missing, of other members in all groups. */
  readonly held: HeldBytes;
  /** A token for a group key note of our own: below zero, never drawn twice. */
  nextNoteToken(): Token;
  /** What the digest covers changed. */
  digestChanged(): void;
}
