import type { Instance } from "../../wire/presence.js";
import type { CoreContext } from "../context.js";
import type { Address, SendTarget, Token } from "../io.js";
import type { Alarm, TimerQueue } from "../timers.js";
import type { GroupLog } from "./groupLog.js";
import type { HeldBytes } from "./heldBytes.js";
import type { HybridClock } from "./hybridClock.js";
import type { Pacer } from "./pacer.js";
import type { SyncRates } from "./syncRates.js";

/** What one member tells another one over a session. */
export interface GroupNote {
  readonly kind: "groupKey" | "groupSync";
  readonly target: SendTarget;
  readonly body: Uint8Array;
  readonly token: Token;
}

/** Somebody whose latest beacon names a group. */
export interface Announced {
  /** It has shown that it is running. */
  readonly instance: Instance;
  /** Of what it holds of the group. */
  readonly digest: string;
}

/** What groups need of the rest of the core. */
export interface GroupsSurroundings {
  /** We send beacons: others learn from them which groups we are in. */
  readonly announces: boolean;
  /** Who is online and says in its beacons that it is in the group. */
  announcedIn(groupId: string): Iterable<Announced>;
  /** Where that very start of a device has shown that it is; undefined if it has not. */
  provenAddressOf(instance: Instance): Address | undefined;
  /** Asks that start of a device, said to be there, to show it, unless it did so lately. */
  confirm(nowMs: number, instance: Instance, at: Address): void;
  /** Where discovery knows a device. */
  addressOf(device: string): Address | undefined;
  /** That very start of a device has shown that it is running now. */
  isPresent(nowMs: number, instance: Instance): boolean;
  /** Asks whoever is at an address to show that it is running now. */
  challenge(nowMs: number, at: Address): void;
  /** Sends a note over a session; `token` as in commands, below zero for our own. */
  sendNote(nowMs: number, note: GroupNote): void;
  cancelNote(nowMs: number, token: Token): void;
}

/** What all memberships of this node share. */
export interface GroupsContext extends CoreContext, GroupsSurroundings {
  /** Deadlines of all groups, so that the next one is known without a scan. */
  readonly timers: TimerQueue<Alarm>;
  readonly pacer: Pacer;
  /** What waits for something missing, of other members in all groups. */
  readonly held: HeldBytes;
  /** The signed datagrams of all groups. */
  readonly log: GroupLog;
  /** One for all groups: somebody in two of them answers in the one what it read in the other. */
  readonly clock: HybridClock;
  /** What serving what we hold may cost. */
  readonly syncRates: SyncRates;
  /** The reading of the hybrid clock before which what was said is not taken in; 0 for none. */
  oldestHlc(nowMs: number): number;
  /** About the wall clock, milliseconds since 1970. */
  wallMs(nowMs: number): number;
}
