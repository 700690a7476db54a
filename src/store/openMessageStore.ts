import { MemoryMessageStore } from "./memoryMessageStore.js";
import type { MessageStore } from "./messageStore.js";
import { NullMessageStore } from "./nullMessageStore.js";
import { openDatabase } from "./openDatabase.js";
import type { Paths } from "./paths.js";
import { ResilientStore, type StoreTrouble } from "./resilientStore.js";
import { MIGRATIONS } from "./schema.js";
import { loadEngine, type OpenEngine } from "./sqliteEngine.js";
import { SqlMessageStore } from "./sqlMessageStore.js";

export interface MessageStoreOptions {
  /** `disk`: the database of the home; `memory`: until the end; `none`: nowhere. */
  readonly store: "disk" | "memory" | "none";
  /** Told while it opens, and later. */
  readonly onTrouble: (trouble: StoreTrouble) => void;
  /** Instead of the one that this Node has. */
  readonly engine?: OpenEngine;
}

export interface OpenedMessageStore {
  readonly store: MessageStore;
  /** To be called every few seconds, at times that only grow: see `ResilientStore.retry`. */
  readonly retry: (nowMs: number) => Promise<void>;
}

/**
 * The messages of a home. A disk that fails is no reason to end: see `ResilientStore`.
 * @throws UdpchatError NO_SQLITE; STORE_UNUSABLE if a later version of udpchat wrote the database
 */
export async function openMessageStore(
  { databaseFile }: Pick<Paths, "databaseFile">,
  options: MessageStoreOptions,
): Promise<OpenedMessageStore> {
  const nothing = async (): Promise<void> => undefined;
  if (options.store === "none") return { store: new NullMessageStore(), retry: nothing };
  if (options.store === "memory") return { store: new MemoryMessageStore(), retry: nothing };
  const engine = options.engine ?? (await loadEngine());
  const store = await ResilientStore.open({
    path: databaseFile,
    onTrouble: options.onTrouble,
    async open(damaged) {
      const opened = await openDatabase(engine, databaseFile, MIGRATIONS, damaged);
      const { database, setAside } = opened;
      return {
        setAside,
        disk: {
          store: new SqlMessageStore(database),
          file: database.file,
          isInPlace: () => database.isInPlace(),
          probe: () => database.probe(),
        },
      };
    },
  });
  return { store, retry: (nowMs) => store.retry(nowMs) };
}
