import { ATTACKS } from "./invariants/attack.js";
import { COMMANDS } from "./invariants/commands.js";
import { DELIVERY } from "./invariants/delivery.js";
import { DISKS } from "./invariants/disks.js";
import { GROUPS } from "./invariants/groups.js";
import type { Invariant } from "./invariants/invariant.js";
import { NAMES } from "./invariants/names.js";
import { PRESENCE } from "./invariants/presence.js";
import { QUIET } from "./invariants/quiet.js";
import { RESOURCES } from "./invariants/resources.js";
import { SHOWN } from "./invariants/shown.js";
import type { HuntWorld } from "./world.js";

export type { Invariant } from "./invariants/invariant.js";
export { BEFORE_QUIET_MS, becomesQuiet, QUIET_MS } from "./invariants/quiet.js";

/** All that holds, whatever happens. */
export const INVARIANTS: readonly Invariant[] = [
  { name: "noCrash", what: "Nothing throws, whatever arrives and happens.", when: "told" },
  { name: "nonceOnce", what: "No packet number of a session is used twice.", when: "told" },
  ...SHOWN,
  ...COMMANDS,
  ...DELIVERY,
  ...DISKS,
  ...GROUPS,
  ...PRESENCE,
  ...RESOURCES,
  ...ATTACKS,
  ...NAMES,
  ...QUIET,
];

/** Every invariant sees the world from its beginning. */
export function watch(world: HuntWorld): void {
  for (const invariant of INVARIANTS) invariant.watch?.(world);
}
