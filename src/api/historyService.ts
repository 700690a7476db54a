import type { HistoryMessage, HistoryOptions } from "../messenger/types.js";
import type { HistoryLine } from "./lines.js";
import { type CallOptions, type Input, MAX_HISTORY_BYTES, type Output } from "./operations.js";
import { toHistoryLine } from "./toLines.js";

/** Where stored messages are read: a messenger, or the desk of a home in which nothing runs. */
export interface HistorySource {
  history(options?: HistoryOptions): Promise<HistoryMessage[]>;
  exportHistory(options?: HistoryOptions): AsyncIterable<HistoryMessage>;
  outbox(): Promise<HistoryMessage[]>;
  dropQueued(id: string): Promise<HistoryMessage>;
  markRead(ids: readonly string[]): Promise<void>;
}

export type HistoryCall = "history" | "outbox" | "dropQueued" | "read";

/** The operations on stored messages alone: every `Api` has them. */
export interface HistoryApi {
  call<N extends HistoryCall>(name: N, input: Input<N>, options?: CallOptions): Promise<Output<N>>;
  stream(name: "export", input: Input<"export">, options?: CallOptions): AsyncIterable<HistoryLine>;
}

type Calls = { readonly [N in HistoryCall]: (input: Input<N>) => Promise<Output<N>> };

/** Those operations, executed in this process. */
export class HistoryService implements HistoryApi {
  readonly #source: HistorySource;

  constructor(source: HistorySource) {
    this.#source = source;
  }

  async call<N extends HistoryCall>(name: N, input: Input<N>): Promise<Output<N>> {
    return await this.#calls[name](input);
  }

  async *stream(
    _name: "export",
    input: Input<"export">,
    { signal }: CallOptions = {},
  ): AsyncGenerator<HistoryLine, void, undefined> {
    for await (const message of this.#source.exportHistory(filterOf(input))) {
      if (signal?.aborted === true) return;
      yield toHistoryLine(message);
    }
  }

  readonly #calls: Calls = {
    history: async ({ clientId, limit, ...input }) => {
      const options = {
        maxBytes: MAX_HISTORY_BYTES,
        ...(clientId === undefined ? {} : { clientId }),
        ...(limit === undefined ? {} : { limit }),
      };
      const messages = await this.#source.history({ ...filterOf(input), ...options });
      return messages.map(toHistoryLine);
    },
    outbox: async () => (await this.#source.outbox()).map(toHistoryLine),
    dropQueued: async ({ id }) => toHistoryLine(await this.#source.dropQueued(id)),
    read: async ({ ids }) => {
      await this.#source.markRead(ids);
      return { type: "marked" };
    },
  };
}

function filterOf({ query, peer, group, since }: Input<"export">): HistoryOptions {
  return {
    ...(query === undefined ? {} : { query }),
    ...(peer === undefined ? {} : { peer }),
    ...(group === undefined ? {} : { group }),
    ...(since === undefined ? {} : { since: new Date(since) }),
  };
}
