import { apiTarget } from "./apiTarget.js";
import { clientTarget } from "./clientTarget.js";
import { cliTarget } from "./cliTarget.js";
import { codecTarget } from "./codecTarget.js";
import { coreTarget } from "./coreTarget.js";
import { databaseTarget } from "./databaseTarget.js";
import { eventsTarget } from "./eventsTarget.js";
import { filesTarget } from "./filesTarget.js";
import { noiseTarget } from "./noiseTarget.js";
import { plainTarget } from "./plainTarget.js";
import { socketTarget } from "./socketTarget.js";
import { storeTarget } from "./storeTarget.js";
import type { FuzzTarget } from "./target.js";

/** Everything that takes hostile input. A new target is one line here. */
export const TARGETS: readonly FuzzTarget[] = [
  codecTarget,
  coreTarget,
  noiseTarget,
  storeTarget,
  plainTarget,
  eventsTarget,
  apiTarget,
  cliTarget,
  filesTarget,
  databaseTarget,
  socketTarget,
  clientTarget,
];
