import { type Stats, unwatchFile, watchFile } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import { errnoOf, UdpchatError } from "../errors.js";
import { replaceFile } from "./atomicFile.js";
import { withFileLock } from "./fileLock.js";
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

  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<TrustRecord> {
    const text = await this.#read();
    // A file that may be damaged is looked at again under the lock: nobody moves it meanwhile.
    if (text !== undefined && entriesOf(text) === undefined)
      return this.#locked(() => this.#list());
    return this.#list();
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
      throw cause instanceof UdpchatError ? cause : this.#unusable("lock", cause);
    }
  }

  async #list(): Promise<TrustRecord> {
    const text = await this.#read();
    if (text === undefined) return { entries: new Map(), setAside: undefined, fresh: true };
    const entries = entriesOf(text);
    if (entries !== undefined) return { entries, setAside: undefined, fresh: false };
    return { entries: new Map(), setAside: await this.#setAside(), fresh: true };
  }

  /** Undefined if there is no file; what is too large is no text of ours. */
  async #read(): Promise<string | undefined> {
    try {
      const file = await open(this.#path, "r");
      try {
        const { size } = await file.stat();
        return size > MAX_FILE_BYTES ? "" : await file.readFile("utf8");
      } finally {
        await file.close();
      }
    } catch (cause) {
      if (errnoOf(cause) === "ENOENT") return undefined;
      throw this.#unusable("read", cause);
    }
  }

  async #setAside(): Promise<string> {
    const aside = `${this.#path}.damaged-${Date.now()}`;
    try {
      await rename(this.#path, aside);
    } catch (cause) {
      throw this.#unusable("set aside", cause);
    }
    return aside;
  }

  async #write(entries: ReadonlyMap<string, TrustEntry>): Promise<void> {
    const content = { version: 1, peers: [...entries.values()] };
    try {
      await replaceFile(this.#path, `${JSON.stringify(content, undefined, 2)}\n`);
    } catch (cause) {
      throw this.#unusable("write", cause);
    }
  }

  #unusable(action: string, cause: unknown): UdpchatError {
    return new UdpchatError("HOME_UNUSABLE", `cannot ${action} ${this.#path}`, {
      cause,
      remedy: "check the permissions and free space there, or choose another folder with --home",
    });
  }
}

/** Undefined for what is no trust file. */
function entriesOf(text: string): Map<string, TrustEntry> | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const content = v.safeParse(TrustFileSchema, parsed);
  if (!content.success) return undefined;
  return new Map(content.output.peers.map((entry) => [entry.device, entry]));
}
