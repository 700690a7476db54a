import { parseGroupName } from "../core/groups/groupName.js";
import { UdpchatError } from "../errors.js";
import { toJson } from "../sanitise.js";
import type { HistoryQuery, MessageStore, StoredMessage } from "../store/messageStore.js";
import type { TrustReader } from "./peerShapes.js";
import { historyMessage } from "./storedShapes.js";
import type { HistoryMessage, HistoryOptions } from "./types.js";

/** What a reader builds on. */
export interface HistoryReaderParts {
  readonly store: MessageStore;
  readonly trust: TrustReader;
  readonly discoveryPort: number;
  /**
   * The device that a name means, whether it is there or not.
   * @throws UdpchatError NO_SUCH_PEER, AMBIGUOUS_PEER
   */
  readonly deviceOf: (name: string) => string;
}

const DEFAULT_LIMIT = 100;

/** Stored messages in the public vocabulary. */
export class HistoryReader {
  readonly #parts: HistoryReaderParts;

  constructor(parts: HistoryReaderParts) {
    this.#parts = parts;
  }

  /** @throws UdpchatError NO_SUCH_PEER, AMBIGUOUS_PEER, INVALID_GROUP, INVALID_ARGUMENT */
  history(options: HistoryOptions): HistoryMessage[] {
    const limit = checkedLimit(options.limit ?? DEFAULT_LIMIT);
    const { clientId, maxBytes } = options;
    if (clientId !== undefined) {
      const known = this.#parts.store.findByClientId(clientId);
      return known === undefined ? [] : [this.shape(known)];
    }
    const query = { ...this.#query(options), limit, textBytes: maxBytes };
    const found = this.#parts.store.history(query);
    if (maxBytes === undefined) return found.map((message) => this.shape(message));
    const shapes: HistoryMessage[] = [];
    let leftBytes = maxBytes;
    // Escapes and receipts may take more than the texts: a line of a group has many.
    for (const message of found.toReversed()) {
      const shape = this.shape(message);
      leftBytes -= Buffer.byteLength(toJson(shape));
      if (leftBytes < 0) break;
      shapes.push(shape);
    }
    return shapes.toReversed();
  }

  /** @throws UdpchatError as `history`, at once */
  export(options: HistoryOptions): AsyncGenerator<HistoryMessage, void, undefined> {
    return this.#shapes(this.#parts.store.export(this.#query(options)));
  }

  async *#shapes(
    messages: Iterable<StoredMessage>,
  ): AsyncGenerator<HistoryMessage, void, undefined> {
    for (const message of messages) yield this.shape(message);
  }

  outbox(): HistoryMessage[] {
    return this.#parts.store.outbox().map((message) => this.shape(message));
  }

  shape(message: StoredMessage): HistoryMessage {
    const { store, trust } = this.#parts;
    return historyMessage(message, message.own ? store.receipts(message) : [], trust);
  }

  #query({ query, peer, group, since }: HistoryOptions): HistoryQuery {
    const { deviceOf, discoveryPort } = this.#parts;
    return {
      words: query?.split(/\s+/u).filter((word) => word !== ""),
      device: peer === undefined ? undefined : deviceOf(peer.trim()),
      groupLabel:
        group === undefined ? undefined : parseGroupName(group.trim(), discoveryPort).label,
      sinceMs: since?.getTime(),
    };
  }
}

/** @throws UdpchatError INVALID_ARGUMENT */
function checkedLimit(limit: number): number {
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw new UdpchatError("INVALID_ARGUMENT", `${limit} messages cannot be shown`, {
    remedy: "use a whole number, 1 or more",
  });
}
