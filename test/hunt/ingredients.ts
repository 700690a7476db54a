import { ASKING, HANDLERS } from "./activity/asking.js";
import { BLOCKING, CONSUMERS, GIVING_UP, LOOKING_BACK, READING } from "./activity/attention.js";
import {
  COMING_AND_GOING,
  GROUP_BURST,
  OPEN_GROUP,
  SECRET_GROUP,
  SEVERAL_GROUPS,
} from "./activity/groupTalk.js";
import { INNER_CIRCLE } from "./activity/innerCircle.js";
import { DISCOVERING, ONE_SHOTS } from "./activity/oneShots.js";
import { BURST, HOSTILE, LONG_TEXTS, REQUIRE_VERIFIED, SENDING } from "./activity/sending.js";
import { CALLS } from "./faults/calls.js";
import { CLONE } from "./faults/clone.js";
import {
  CLOSE,
  CRASH_AFTER_BATCH,
  CRASH_IN_BATCH,
  CRASH_IN_SENDING,
  CRASH_TOO_LATE,
  KILL,
  POWER_CUT,
} from "./faults/crash.js";
import { DAMAGED, TAMPERED } from "./faults/damage.js";
import { DISK_DAMAGED, DISK_ERRORS, DISK_FULL, DISK_READ_ONLY } from "./faults/disk.js";
import { FLOOD, PLAIN_TEXT } from "./faults/flood.js";
import { FORGED } from "./faults/forge.js";
import { FLAP, MOVE, SWAP } from "./faults/interfaces.js";
import { LATER_SPEAKER, MIXED_VERSIONS } from "./faults/laterVersion.js";
import { STRANGER } from "./faults/liar.js";
import { BROADCAST_BLOCKED, MULTICAST_BLOCKED } from "./faults/multicast.js";
import { PARTITION } from "./faults/partition.js";
import { PAUSE, SUSPEND } from "./faults/pause.js";
import { ECHOED, REPLAYED } from "./faults/replay.js";
import { CLOCK_JUMP } from "./faults/wallClock.js";
import { DELAY, DUPLICATION, LOSS, REORDERING } from "./faults/weather.js";
import type { Ingredient } from "./plan.js";

/** What hosts do. Every seed has one kind at least. */
export const WORK: readonly Ingredient[] = [
  SENDING,
  BURST,
  LONG_TEXTS,
  HOSTILE,
  REQUIRE_VERIFIED,
  READING,
  GIVING_UP,
  LOOKING_BACK,
  CONSUMERS,
  BLOCKING,
  ASKING,
  HANDLERS,
  DISCOVERING,
  ONE_SHOTS,
  OPEN_GROUP,
  SECRET_GROUP,
  SEVERAL_GROUPS,
  COMING_AND_GOING,
  GROUP_BURST,
  INNER_CIRCLE,
];

/** Without them there is little to look at. */
export const MAIN_WORK: readonly Ingredient[] = [SENDING, ASKING, OPEN_GROUP, SECRET_GROUP];

/** What goes wrong meanwhile. A seed has some of them, or none. */
export const FAULTS: readonly Ingredient[] = [
  LOSS,
  DUPLICATION,
  REORDERING,
  DELAY,
  PARTITION,
  KILL,
  POWER_CUT,
  CLOSE,
  CRASH_IN_BATCH,
  CRASH_IN_SENDING,
  CRASH_TOO_LATE,
  CRASH_AFTER_BATCH,
  DISK_FULL,
  DISK_READ_ONLY,
  DISK_ERRORS,
  DISK_DAMAGED,
  FLAP,
  MOVE,
  SWAP,
  PAUSE,
  SUSPEND,
  CLOCK_JUMP,
  MULTICAST_BLOCKED,
  BROADCAST_BLOCKED,
  REPLAYED,
  ECHOED,
  DAMAGED,
  TAMPERED,
  FORGED,
  STRANGER,
  FLOOD,
  CALLS,
  PLAIN_TEXT,
  CLONE,
  MIXED_VERSIONS,
  LATER_SPEAKER,
];
