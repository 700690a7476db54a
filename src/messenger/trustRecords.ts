import { UdpchatError } from "../errors.js";
import {
  changedEntries,
  type TrustChange,
  type TrustEntry,
  type TrustRecord,
  type TrustStore,
} from "../store/trust.js";
import type { Clock } from "./clock.js";
import type { Warning } from "./types.js";

/** What strangers bring about is written together: their number must not keep the disk busy. */
const WRITE_PAUSE_MS = 2000;

/** What records build on. */
export interface TrustRecordsParts {
  readonly store: TrustStore;
  readonly clock: Pick<Clock, "after">;
  /** There are other entries now. */
  readonly changed: (entries: ReadonlyMap<string, TrustEntry>) => void;
  readonly warn: (warning: Warning) => void;
}

interface Change extends TrustChange {
  /** By the user: not given up if it cannot be stored at once. */
  readonly decided: boolean;
}

/**
 * The entries of a trust store in memory. Changes are made there at once; the store follows, in
 * writes that nobody waits for but who decided something. What other processes of the same home
 * write is taken over.
 */
export class TrustRecords {
  readonly #parts: TrustRecordsParts;
  /** By device; bounded by the store. */
  #entries: ReadonlyMap<string, TrustEntry> = new Map();
  /** Not yet with the store; bounded by the keys that are met in a pause and while a write lasts. */
  #unsaved: Change[] = [];
  #saving: Promise<void> = Promise.resolve();
  #saveIsQueued = false;
  #cancelPause: (() => void) | undefined;
  #failed = false;
  #blockedElsewhere: (device: string) => void = () => undefined;
  #unfollow: () => void = () => undefined;

  constructor(parts: TrustRecordsParts) {
    this.#parts = parts;
  }

  /** @throws UdpchatError HOME_UNUSABLE */
  async load(): Promise<void> {
    const { entries, setAside } = await this.#parts.store.load();
    if (setAside !== undefined) this.#parts.warn(damaged(setAside));
    this.#adopt(entries);
  }

  get(device: string): TrustEntry | undefined {
    return this.#entries.get(device);
  }

  all(): TrustEntry[] {
    return [...this.#entries.values()];
  }

  /** Written at once, or after a pause if that is soon enough. */
  change(change: TrustChange, when: "now" | "soon"): void {
    this.#apply({ ...change, decided: false });
    if (when === "now") void this.#flush();
    else this.#cancelPause ??= this.#parts.clock.after(WRITE_PAUSE_MS, () => void this.#flush());
  }

  /**
   * By the user. Resolves when it would survive a power cut.
   * @throws UdpchatError HOME_UNUSABLE: made all the same, and stored when that works again;
   *   LIMIT_REACHED
   */
  async decide(change: TrustChange): Promise<void> {
    this.#apply({ ...change, decided: true });
    await this.#flush();
  }

  /**
   * Takes over what other processes of this home write; calls back for each device that one of
   * them blocked. Until `close`.
   */
  follow(blocked: (device: string) => void): void {
    this.#blockedElsewhere = blocked;
    this.#unfollow = this.#parts.store.watch(() => {
      void this.#inTurn(async () =>
        this.#takeOver(await this.#whole(await this.#parts.store.load())),
      );
    });
  }

  /** Resolves when everything is with the store, or could not be stored. */
  async close(): Promise<void> {
    this.#unfollow();
    await this.#flush().catch(() => undefined);
  }

  #apply(change: Change): void {
    this.#adopt(changedEntries(this.#entries, [change]));
    this.#unsaved.push(change);
  }

  /** One write at a time takes all that came meanwhile. Settles with the one that has it all. */
  #flush(): Promise<void> {
    this.#cancelPause?.();
    this.#cancelPause = undefined;
    if (this.#saveIsQueued || this.#unsaved.length === 0) return this.#saving;
    this.#saveIsQueued = true;
    return this.#inTurn(() => this.#save());
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    this.#saving = this.#saving.catch(() => undefined).then(step);
    this.#saving.catch((error: unknown) => this.#warnOnce(error));
    return this.#saving;
  }

  async #save(): Promise<void> {
    this.#saveIsQueued = false;
    const changes = this.#unsaved;
    this.#unsaved = [];
    try {
      this.#takeOver(await this.#whole(await this.#parts.store.change(changes)));
    } catch (error) {
      this.#unsaved.unshift(...changes.filter(({ decided }) => decided));
      throw error;
    }
  }

  /** Where the file was damaged or removed while we run: what it said is still here. */
  async #whole(record: TrustRecord): Promise<TrustRecord> {
    if (record.setAside !== undefined) this.#parts.warn(mended(record.setAside));
    if (!record.fresh || this.#entries.size <= record.entries.size) return record;
    return this.#parts.store.change(this.all().map(restored));
  }

  #takeOver({ entries }: TrustRecord): void {
    const before = this.#entries;
    this.#adopt(changedEntries(entries, this.#unsaved));
    for (const [device, { trust }] of this.#entries) {
      const isNews = trust === "blocked" && before.get(device)?.trust !== "blocked";
      if (isNews) this.#blockedElsewhere(device);
    }
  }

  #adopt(entries: ReadonlyMap<string, TrustEntry>): void {
    this.#entries = entries;
    this.#parts.changed(entries);
  }

  #warnOnce(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    const reason = error instanceof UdpchatError ? error.message : String(error);
    const message = `what is known of peers is lost when this program ends: ${reason}`;
    this.#parts.warn({ code: "TRUST_NOT_STORED", message, peer: null });
  }
}

function damaged(path: string): Warning {
  const message =
    "the list of known, verified and blocked peers was damaged: nobody is blocked or verified " +
    `any more. It was kept as ${path}: repair it and put it back, or block and verify again`;
  return { code: "TRUST_DAMAGED", message, peer: null };
}

function mended(path: string): Warning {
  const message =
    "the list of known, verified and blocked peers was damaged while this program ran, and is " +
    `written anew. What it was is kept as ${path}`;
  return { code: "TRUST_DAMAGED", message, peer: null };
}

function restored(entry: TrustEntry): TrustChange {
  return { device: entry.device, apply: (current) => current ?? entry };
}
