import { SeededRandom } from "../support/seededRandom.js";
import type { Disk } from "./disk.js";
import { JournalDisk } from "./diskJournal.js";
import { SqliteDisk } from "./diskSqlite.js";
import { wholeBetween } from "./plan.js";
import { hashOf } from "./world.js";

/** Of hosts, the share whose database is a real one: it takes several times as long. */
const SQLITE_SHARE = 0.15;
const MOST_CHECKPOINT_COMMITS = 40;

/** The disk of a host of a seed. */
export function drawnDisk(seed: number, host: string): Disk {
  const random = new SeededRandom(seed ^ hashOf(`disk of ${host}`));
  return random.uniform() < SQLITE_SHARE
    ? new SqliteDisk(random, wholeBetween(random, 1, MOST_CHECKPOINT_COMMITS))
    : new JournalDisk(random);
}
