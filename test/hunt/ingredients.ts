import { CLOSE, KILL, POWER_CUT } from "./faults/crash.js";
import { PARTITION } from "./faults/partition.js";
import { DELAY, DUPLICATION, LOSS, REORDERING } from "./faults/weather.js";
import type { Ingredient } from "./plan.js";
import { ASKING } from "./work/asking.js";
import { OPEN_GROUP, SECRET_GROUP } from "./work/groupTalk.js";
import { SENDING } from "./work/sending.js";

/** What hosts do. Every seed has one kind at least. */
export const WORK: readonly Ingredient[] = [SENDING, ASKING, OPEN_GROUP, SECRET_GROUP];

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
];
