import { AbortLink } from "../../../abortLink.js";
import type { DeliveryLine, EventLine, ProgressLine } from "../../../api/lines.js";
import type { Api } from "../../../api/operations.js";

/** Waits until a person was shown a message: to be begun before it is sent, so that nothing is missed. */
export class ReadWait {
  readonly #api: Api;
  readonly #ending: AbortLink;
  /** What comes while nobody asks for the next one is kept where it comes from, in bounds. */
  readonly #events: AsyncIterator<EventLine>;

  private constructor(api: Api, ending: AbortLink, events: AsyncIterator<EventLine>) {
    this.#api = api;
    this.#ending = ending;
    this.#events = events;
  }

  /** From now on. */
  static async begin(api: Api, signal: AbortSignal): Promise<ReadWait> {
    const ending = new AbortLink(signal);
    const events = api.stream("events", {}, { signal: ending.signal })[Symbol.asyncIterator]();
    // The first line is `ready`.
    await events.next();
    return new ReadWait(api, ending, events);
  }

  /**
   * The line that says so, or undefined if nobody read it in time.
   * @param clientId of a message that may have been sent, and read, before
   */
  async until(
    delivery: DeliveryLine,
    { clientId, timeoutMs }: { readonly clientId: string | undefined; readonly timeoutMs: number },
  ): Promise<ProgressLine | undefined> {
    const read = { ...delivery, status: "read" } as const;
    if (clientId !== undefined && (await this.#wasRead(delivery, clientId))) return read;
    const timer = setTimeout(() => this.#ending.abort(), Math.max(0, timeoutMs));
    try {
      for (;;) {
        const { done, value } = await this.#events.next();
        if (done === true) return undefined;
        if (value.type === "delivery" && value.id === delivery.id && value.status === "read") {
          return value;
        }
        // What says so may be among the lines that are missing.
        if (value.type === "resync" && (await this.#wasRead(delivery, clientId))) return read;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #wasRead({ id }: DeliveryLine, clientId: string | undefined): Promise<boolean> {
    const query = clientId === undefined ? {} : { clientId };
    const stored = await this.#api.call("history", query);
    return stored.some((message) => message.id === id && message.state === "read");
  }

  async end(): Promise<void> {
    this.#ending.abort();
    await this.#events.return?.();
  }
}
