import type { MessageStore, StoredMessage } from "../../src/store/messageStore.js";
import type { StoreTrouble } from "../../src/store/resilientStore.js";
import type { Durability, MessageName, StoreWrite } from "./diskWatch.js";

/** How far it came: what is told to be so far does not go back. */
const STEPS: Readonly<Record<StoredMessage["state"], number>> = {
  queued: 1,
  sent: 1,
  undelivered: 1,
  unread: 1,
  delivered: 2,
  read: 3,
};

interface Kept {
  readonly message: StoredMessage;
  readonly step: number;
}

/**
 * What a host must find in its store when it starts again, by what it was told by then.
 *
 * ```text
 * written -> safe     a batch that promises was committed, on the disk
 * ```
 * The end of the process alone takes what was in memory only; a power cut may take what was written
 * and not safe as well, but nothing of which anybody is told that it is kept, however it was
 * written; a file that is damaged takes everything. All else stays.
 */
export class Keeping {
  /** How often a text that was kept was lost, as it may be. Bounded by the texts of a run. */
  readonly #lost = new Map<string, number>();
  /** Messages that were lost, or are not as far as they were: text by `nameOf`. Bounded as those. */
  readonly #setBack = new Map<string, string>();
  /** The disk takes everything, as far as the program knows. */
  isWell = true;
  /** Each by author and id; bounded by the messages of a run. */
  readonly #safe = new Map<string, Kept>();
  readonly #written = new Map<string, Kept>();
  /** The disk does not take it. */
  readonly #inMemory = new Map<string, Kept>();
  readonly #maybeLost = new Map<string, Kept>();

  get lostAny(): boolean {
    return this.#lost.size > 0;
  }

  /** How often this text was lost, or may have been: nobody could look since then. */
  timesLost(text: string): number {
    const inDoubt = [...this.#maybeLost.values()].filter(({ message }) => message.text === text);
    return (this.#lost.get(text) ?? 0) + inDoubt.length;
  }

  /** This message, or is there any with this text? */
  isSetBack(message: MessageName | { readonly text: string }): boolean {
    if ("text" in message) return [...this.#setBack.values()].includes(message.text);
    return this.#setBack.has(nameOf(message));
  }

  /** A batch was committed; in memory, if the disk did not take it. */
  done(
    store: MessageStore,
    writes: readonly StoreWrite[],
    durability: Durability,
    onDisk: boolean,
  ): void {
    for (const { message: name } of writes) {
      if (name === undefined) continue;
      const message = store.find(name.author, name.id);
      if (message === undefined) continue;
      const kept = { message, step: STEPS[message.state] };
      (onDisk ? this.#written : this.#inMemory).set(nameOf(name), kept);
    }
    if (onDisk && durability === "promise") this.#move(this.#written, this.#safe);
  }

  trouble({ code }: StoreTrouble): void {
    this.isWell = code !== "STORE_FAILED" && (this.isWell || code === "STORE_RESTORED");
    if (code === "STORE_RESTORED") this.#move(this.#inMemory, this.#safe);
    if (code !== "STORE_DAMAGED") return;
    this.#doubt(this.#safe);
    this.#doubt(this.#written);
  }

  /** The disk cannot be read for a while: what it has comes once more, and is news. */
  unreadable(): void {
    const kept = new Map([...this.#safe, ...this.#written, ...this.#maybeLost]);
    for (const { message } of kept.values()) {
      this.#lost.set(message.text, (this.#lost.get(message.text) ?? 0) + 1);
    }
  }

  /** The process ended, in whatever way; the next one begins anew. */
  killed(): void {
    this.isWell = true;
    this.#doubt(this.#inMemory);
  }

  powerCut(): void {
    this.killed();
    this.#doubt(this.#written, ({ message }) => !mustSurvive(message));
  }

  /** Looks into a store whose disk is well. Returns what is gone that must not be, in words. */
  missing(store: MessageStore): string | undefined {
    for (const [key, { message, step }] of this.#maybeLost) {
      const { author, id, text } = message;
      const found = store.find(author.device, id);
      if (found === undefined || STEPS[found.state] < step) this.#setBack.set(key, text);
      if (found === undefined) this.#lost.set(text, (this.#lost.get(text) ?? 0) + 1);
      else this.#written.set(key, { message: found, step: STEPS[found.state] });
    }
    this.#maybeLost.clear();
    for (const { message, step } of [...this.#safe.values(), ...this.#written.values()]) {
      const { author, id, text, state } = message;
      const found = store.find(author.device, id);
      const what = `"${text.slice(0, 40)}", which was ${state},`;
      if (found === undefined) return `${what} is gone`;
      if (STEPS[found.state] < step) return `${what} is ${found.state}`;
    }
    return undefined;
  }

  /** Of one that was as far as this, or further, in another place, that remains the question. */
  #doubt(from: Map<string, Kept>, isInDoubt: (kept: Kept) => boolean = () => true): void {
    for (const [key, kept] of from) {
      if (!isInDoubt(kept)) continue;
      from.delete(key);
      if ((this.#maybeLost.get(key)?.step ?? 0) < kept.step) this.#maybeLost.set(key, kept);
    }
  }

  #move(from: Map<string, Kept>, to: Map<string, Kept>): void {
    for (const [key, kept] of from) to.set(key, kept);
    from.clear();
  }
}

function nameOf({ author, id }: MessageName): string {
  return `${author}/${id}`;
}

/**
 * Power cuts included. Lines that others have in groups need not, our own of earlier starts among
 * them; nor what was on its way without being queued, unless it may be sent again under its id.
 */
function mustSurvive({ group, own, state, clientId }: StoredMessage): boolean {
  if (group !== undefined) return own && group.datagram !== undefined;
  return !own || clientId !== undefined || STEPS[state] > 1 || state === "queued";
}
