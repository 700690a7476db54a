import type { CoreContext } from "../context.js";
import type { Address } from "../io.js";
import type { Alarm, TimerQueue } from "../timers.js";
import type { HeldBytes } from "./heldBytes.js";
import type { Pacer } from "./pacer.js";

/** What all memberships of this node share. */
export interface GroupsContext extends CoreContext {
  /** Deadlines of all groups, so that the next one is known without a scan. */
  readonly timers: TimerQueue<Alarm>;
  readonly pacer: Pacer;
  /** What waits for something missing, of other members in all groups. */
  readonly held: HeldBytes;
  /** Where discovery knows a device. */
  addressOf(device: string): Address | undefined;
  /** What the digest covers changed. */
  digestChanged(): void;
}
