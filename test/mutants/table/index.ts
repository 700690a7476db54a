import type { Mutant } from "../mutant.js";
import { CONVERGENCE } from "./convergence.js";
import { DISCOVERY } from "./discovery.js";
import { EXAMINATIONS } from "./examinations.js";
import { GROUPS } from "./groups.js";
import { HANDSHAKES } from "./handshakes.js";
import { HOMES } from "./homes.js";
import { LANES } from "./lanes.js";
import { MESSENGER } from "./messenger.js";
import { PACKETS } from "./packets.js";
import { REPAIRS } from "./repairs.js";
import { ROSTER } from "./roster.js";
import { SECRET_GROUPS } from "./secretGroups.js";
import { SESSIONS } from "./sessions.js";
import { TEXTS } from "./texts.js";

/** Every defence that must not be missed. */
export const MUTANTS: readonly Mutant[] = [
  ...PACKETS,
  ...LANES,
  ...SESSIONS,
  ...HANDSHAKES,
  ...DISCOVERY,
  ...ROSTER,
  ...GROUPS,
  ...REPAIRS,
  ...CONVERGENCE,
  ...SECRET_GROUPS,
  ...EXAMINATIONS,
  ...MESSENGER,
  ...TEXTS,
  ...HOMES,
];
