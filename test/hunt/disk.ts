import type { MessageStore } from "../../src/store/messageStore.js";
import {
  ResilientStore,
  type ResilientStoreParts,
  type StoreTrouble,
} from "../../src/store/resilientStore.js";
import { StoreFailure, type StoreFailureKind } from "../../src/store/storeFailure.js";
import type { SeededRandom } from "../support/seededRandom.js";

/** What a process that starts tells of itself. */
export interface DiskUser {
  readonly onTrouble: (trouble: StoreTrouble) => void;
  /** For work of the real machine, which takes no time of the simulation. */
  readonly outside: <T>(work: Promise<T>) => Promise<T>;
}

export interface OpenedStore {
  readonly store: MessageStore;
  readonly retry: (nowMs: number) => Promise<void>;
}

/** What a disk refuses to do: `full` and `readOnly` are read as ever. */
export interface DiskFault {
  readonly kind: Extract<StoreFailureKind, "full" | "readOnly" | "broken">;
  /** Of all attempts, the share that fails; 1: all. */
  readonly share: number;
}

/** Where the messages of a host lie. It outlasts the processes that use it. */
export interface Disk {
  /** What goes wrong on it. */
  readonly head: FaultyHead;
  /** Batches that were committed on it so far, also those that are lost by now. */
  readonly commits: number;
  /** What a process that starts finds. One process at a time. */
  open(user: DiskUser): Promise<OpenedStore>;
  /**
   * The process is gone without a goodbye, the machine is not: whatever was written stays. What the
   * process goes on doing in the turn that was cut short has no effect any more.
   * @param torn in the middle of its last commit
   */
  killed(chance: SeededRandom, torn: boolean): void;
  /** The machine lost power: what was not made safe is lost, or half written. */
  powerCut(chance: SeededRandom, torn: boolean): void;
  /** The file is destroyed while nobody has it open. */
  damage(chance: SeededRandom): void;
  /** Of the whole simulation. */
  end(): void;
}

/** The faults of a disk, by its own chance. */
export class FaultyHead {
  readonly #path: string;
  readonly #chance: SeededRandom;
  /** What goes wrong now. */
  fault: DiskFault | undefined;

  constructor(path: string, chance: SeededRandom) {
    this.#path = path;
    this.#chance = chance;
  }

  /** Throws if it fails now. */
  writes(): void {
    if (this.fault === undefined || this.#chance.uniform() >= this.fault.share) return;
    throw new StoreFailure(this.fault.kind, this.#path, new Error("simulated"));
  }

  reads(): void {
    if (this.fault?.kind === "broken") this.writes();
  }

  /** Reads as if nothing were wrong: for whoever looks at it from outside the simulation. */
  quietly<T>(read: () => T): T {
    const { fault } = this;
    this.fault = undefined;
    try {
      return read();
    } finally {
      this.fault = fault;
    }
  }
}

/** The store of a process, on the disk as long as that works. */
export async function openOnDisk(
  path: string,
  { onTrouble, outside }: DiskUser,
  open: ResilientStoreParts["open"],
): Promise<OpenedStore> {
  const store = await ResilientStore.open({
    path,
    onTrouble,
    open: (damaged) => outside(open(damaged)),
  });
  return { store, retry: (nowMs) => outside(store.retry(nowMs)) };
}
