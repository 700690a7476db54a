import { type Stats, unwatchFile, watchFile } from "node:fs";
import { dirname } from "node:path";
import * as v from "valibot";
import { UdpchatError } from "../errors.js";
import { withFileLock } from "./fileLock.js";
import { type JsonContent, JsonFile } from "./jsonFile.js";
import { makeFolder } from "./privateFolder.js";
import {
  changedEntries,
  MAX_DECIDED,
  MAX_KNOWN,
  type TrustChange,
  type TrustEntry,
  type TrustRecord,
  type TrustStore,
} from "./trust.js";

const timestamp = v.pipe(v.string(), v.isoTimestamp());

const TrustFileSchema = v.object({
  version: v.literal(1),
  peers: v.pipe(
    v.array(
      v.object({
        device: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
        name: v.pipe(v.string(), v.maxLength(256)),
        trust: v.picklist(["known", "verified", "blocked"]),
        firstSeenAt: timestamp,
        changedAt: timestamp,
        byUs: v.boolean(),
      }),
    ),
    v.maxLength(MAX_KNOWN + MAX_DECIDED),
  ),
});

/** As many entries as are kept have less than half of it. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
const LOOK_EVERY_MS = 1000;

/**
 * Trust in a JSON file (0600) that several processes of one home change: each change is made to
 * what the file says then, under a lock. A damaged file is set aside, never overwritten.
 */
export class TrustFile implements TrustStore {
  readonly #path: string;
  readonly #file: JsonFile<typeof TrustFileSchema>;

  constructor(path: string) {
    this.#path = path;
    this.#file = new JsonFile(path, TrustFileSchema, { maxBytes: MAX_FILE_BYTES });
  }

  async load(): Promise<TrustRecord> {
    const found = await this.#file.read();
    // A file that may be damaged is looked at again under the lock: nobody moves it meanwhile.
    if (found.state === "damaged") return this.#locked(() => this.#list());
    return this.#recordOf(found);
  }

  change(changes: readonly TrustChange[]): Promise<TrustRecord> {
    return this.#locked(async () => {
      const before = await this.#list();
      const entries = changedEntries(before.entries, changes);
      await this.#write(entries);
      return { ...before, entries };
    });
  }

  /** Looks at the file itself: notifications miss what happens on some file systems. */
  watch(changed: () => void): () => void {
    const listener = (now: Stats, before: Stats): void => {
      if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) changed();
    };
    watchFile(this.#path, { interval: LOOK_EVERY_MS, persistent: false }, listener);
    return () => unwatchFile(this.#path, listener);
  }

  async #locked<T>(step: () => Promise<T>): Promise<T> {
    await makeFolder(dirname(this.#path));
    try {
      return await withFileLock(`${this.#path}.lock`, step);
    } catch (cause) {
      throw cause instanceof UdpchatError ? cause : this.#file.unusable("lock", cause);
    }
  }

  async #list(): Promise<TrustRecord> {
    return this.#recordOf(await this.#file.read());
  }

  async #recordOf(found: JsonContent<v.InferOutput<typeof TrustFileSchema>>): Promise<TrustRecord> {
    switch (found.state) {
      case "missing":
        return { entries: new Map(), setAside: undefined, fresh: true };
      case "damaged":
        return { entries: new Map(), setAside: await this.#file.setAside(), fresh: true };
      case "whole": {
        const entries = new Map(found.content.peers.map((entry) => [entry.device, entry]));
        return { entries, setAside: undefined, fresh: false };
      }
    }
  }

  #write(entries: ReadonlyMap<string, TrustEntry>): Promise<void> {
    return this.#file.write({ version: 1, peers: [...entries.values()] });
  }
}
