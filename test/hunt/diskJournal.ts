import type { FileIdentity } from "../../src/store/databaseFile.js";
import { MemoryMessageStore } from "../../src/store/memoryMessageStore.js";
import type { OpenedDisk } from "../../src/store/resilientStore.js";
import type { SeededRandom } from "../support/seededRandom.js";
import { type Disk, type DiskUser, FaultyHead, type OpenedStore, openOnDisk } from "./disk.js";
import { type StoreWrite, WatchedStore } from "./diskWatch.js";
import { wholeBetween } from "./plan.js";

const PATH = "udpchat.db";

/**
 * What a database promises, without the database: a journal of batches. A power cut leaves all of
 * them up to the last that promises, and of those behind it some of the first.
 */
export class JournalDisk implements Disk {
  readonly head: FaultyHead;
  /** Bounded by the run. */
  #journal: (readonly StoreWrite[])[] = [];
  /** So many of them are safe. */
  #safe = 0;
  /** Before the last commit. */
  #safeBefore = 0;
  #commits = 0;
  /** Which file it is; another after one was damaged. */
  #file = 1;
  #isDamaged = false;
  /** Counts processes: one that is gone writes nothing. */
  #process = 0;

  constructor(chance: SeededRandom) {
    this.head = new FaultyHead(PATH, chance);
  }

  get commits(): number {
    return this.#commits;
  }

  open(user: DiskUser): Promise<OpenedStore> {
    this.#process += 1;
    const process = this.#process;
    return openOnDisk(PATH, user, async () => this.#openFile(process));
  }

  #openFile(process: number): OpenedDisk {
    this.head.reads();
    const setAside = this.#isDamaged ? `${PATH}.damaged` : undefined;
    if (this.#isDamaged) {
      this.#isDamaged = false;
      this.#file += 1;
    }
    const memory = new MemoryMessageStore();
    for (const writes of this.#journal) for (const { redo } of writes) redo(memory);
    const head = this.head;
    const store = new WatchedStore(memory, {
      before: () => head.writes(),
      committing: () => head.writes(),
      reading(read) {
        head.reads();
        return read();
      },
      done: (writes, durability) => {
        if (process === this.#process) this.#commit(writes, durability === "promise");
      },
    });
    const file: FileIdentity = { dev: 0, ino: this.#file };
    return {
      setAside,
      disk: { store, file, isInPlace: () => true, probe: () => store.batch("promise", () => {}) },
    };
  }

  #commit(writes: readonly StoreWrite[], promises: boolean): void {
    this.#commits += 1;
    this.#journal.push(writes);
    this.#safeBefore = this.#safe;
    if (promises) this.#safe = this.#journal.length;
  }

  killed(chance: SeededRandom, torn: boolean): void {
    this.#process += 1;
    if (!torn || chance.uniform() < 0.5) return;
    this.#keep(this.#journal.length - 1);
    this.#safe = this.#safeBefore;
  }

  powerCut(chance: SeededRandom, torn: boolean): void {
    this.#process += 1;
    const safe = torn ? this.#safeBefore : this.#safe;
    this.#keep(wholeBetween(chance, safe, this.#journal.length));
    this.#safe = this.#journal.length;
    this.#safeBefore = this.#safe;
  }

  #keep(batches: number): void {
    this.#journal = this.#journal.slice(0, batches);
  }

  damage(): void {
    this.#keep(0);
    this.#safe = 0;
    this.#safeBefore = 0;
    this.#isDamaged = true;
  }

  end(): void {
    this.#process += 1;
  }
}
