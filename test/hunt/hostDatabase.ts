import { KeptMessages } from "../../src/messenger/keptMessages.js";
import type { Warning } from "../../src/messenger/types.js";
import type { MessageStore } from "../../src/store/messageStore.js";
import type { CrashPoints } from "./crashPoints.js";
import type { Disk } from "./disk.js";
import type { Keeping } from "./diskKeeping.js";
import { LookedAtStore, WatchedStore } from "./diskWatch.js";
import type { HostProcess } from "./hostProcess.js";

/** What the messages of a host lie on, and who looks at it. */
export interface HostDatabaseParts {
  readonly disk: Disk;
  readonly keeping: Keeping;
  readonly crashPoints: CrashPoints;
  /** For work of the real machine: see `HuntWorld.outside`. */
  readonly outside: <T>(work: Promise<T>) => Promise<T>;
  /** What should be there, and is not, in words. */
  readonly lost: (missing: string) => void;
}

/** The messages of a host, opened by one process after the other. */
export class HostDatabase {
  readonly #parts: HostDatabaseParts;

  constructor(parts: HostDatabaseParts) {
    this.#parts = parts;
  }

  async open(process: HostProcess, warn: (warning: Warning) => void): Promise<KeptMessages> {
    const { disk, keeping, outside } = this.#parts;
    const { store, retry } = await outside(
      disk.open({
        outside,
        onTrouble: ({ code, message }) => {
          process.changes += 1;
          if (process.isOver()) return;
          keeping.trouble({ code, message });
          if (code === "STORE_FAILED" && disk.head.fault?.kind === "broken") keeping.unreadable();
          // Folders have another name in every run.
          warn({ code, message: message.replaceAll(/\S*\/|\.damaged-\d+/g, ""), peer: null });
          if (code === "STORE_RESTORED") this.#lookInto(process);
        },
      }),
    );
    process.store = new LookedAtStore(
      store,
      (read) => disk.head.quietly(read),
      () => process.changes,
    );
    if (!process.isOver() && keeping.isWell) this.#lookInto(process);
    return new KeptMessages(this.#watched(process, store), true, retry);
  }

  /** The store as the process has it, which may end with every batch. */
  #watched(process: HostProcess, store: MessageStore): MessageStore {
    const { disk, keeping, crashPoints } = this.#parts;
    const points = crashPoints.watch;
    let commitsBefore = disk.commits;
    return new WatchedStore(store, {
      before: () => {
        commitsBefore = disk.commits;
        if (!process.isOver()) points.before();
      },
      wrote: (message) => {
        process.changes += 1;
        if (!process.isOver()) points.wrote(message);
      },
      done: (writes, durability) => {
        process.changes += 1;
        const isOnDisk = disk.commits > commitsBefore;
        if (!process.isOver() && isOnDisk) points.committed();
        if (process.isOver()) return;
        if (process.store !== undefined) {
          keeping.done(process.store, writes, durability, isOnDisk);
        }
        points.done();
      },
    });
  }

  #lookInto({ store }: HostProcess): void {
    const missing = store === undefined ? undefined : this.#parts.keeping.missing(store);
    if (missing !== undefined) this.#parts.lost(missing);
  }
}
