import type { MessageStore, StoredMessage } from "../../src/store/messageStore.js";

const NOTHING_KEPT: readonly StoredMessage[] = [];

interface Texts {
  readonly of: readonly StoredMessage[];
  /** Of direct messages of others. */
  readonly others: ReadonlySet<string>;
  /** By text of our own messages, the oldest of each: their states. */
  readonly own: ReadonlyMap<string, string>;
}

function textsOf(messages: readonly StoredMessage[]): Texts {
  const others = new Set<string>();
  const ours = new Map<string, string>();
  for (const { own, group, text, state } of messages) {
    if (own && !ours.has(text)) ours.set(text, state);
    if (!own && group === undefined) others.add(text);
  }
  return { of: messages, others, own: ours };
}

/** Texts in the store of a host: made anew after a change alone, since many ask for them. */
export class KeptTexts {
  #latest = textsOf(NOTHING_KEPT);

  of(store: MessageStore | undefined): Texts {
    const messages = store?.history({}) ?? NOTHING_KEPT;
    if (this.#latest.of !== messages) this.#latest = textsOf(messages);
    return this.#latest;
  }
}
