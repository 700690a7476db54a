import type { DeliveryLine, ProgressLine } from "../../api/lines.js";
import type { Api } from "../../api/operations.js";
import { DEFAULT_TIMEOUT_MS } from "../../messenger/waiting.js";
import type { CommandContext } from "../context.js";

/** In a LAN nearly everything is delivered by then; what is not goes on its way all the same. */
const WAIT_MS = 1000;
/** Behind what was not: nobody is to wait a second for each of many lines. */
const WAIT_BEHIND_QUEUED_MS = 200;
/** Who is interrupted waits for nothing but that what was said is stored. */
const WAIT_INTERRUPTED_MS = 1;

/**
 * Sends what is said to one person: it is kept until it is delivered, unless that would end with
 * this process. One call at a time.
 */
export class DirectMessages {
  /** Else they are in the memory of this process alone. */
  readonly areKept: boolean;
  /** Then what is not kept is lost. */
  readonly timeoutMs: number;
  readonly #api: Api;
  readonly #context: Pick<CommandContext, "settings" | "signal">;
  #waitMs = WAIT_MS;
  /** Ids of those that nobody has yet; bounded by the outbox. */
  readonly #queued = new Set<string>();

  constructor(api: Api, context: Pick<CommandContext, "settings" | "signal">, isByDaemon: boolean) {
    this.#api = api;
    this.#context = context;
    this.areKept = isByDaemon || context.settings.store !== "memory";
    this.timeoutMs = context.settings.timeout ?? DEFAULT_TIMEOUT_MS;
  }

  /** How many still wait. */
  get queued(): number {
    return this.#queued.size;
  }

  /** It is delivered, or given up. */
  told({ id }: Pick<ProgressLine, "id">): void {
    this.#queued.delete(id);
  }

  /**
   * Where messages are kept, an interruption does not give up those that were said.
   * @throws UdpchatError as `send`
   */
  async send(target: string, text: string): Promise<DeliveryLine> {
    const { settings, signal } = this.#context;
    const input = { target, text, requireVerified: settings.requireVerified ?? false };
    if (!this.areKept) {
      return await this.#api.call("send", { ...input, timeoutMs: this.timeoutMs }, { signal });
    }
    const waitMs = signal.aborted ? WAIT_INTERRUPTED_MS : this.#waitMs;
    const timeoutMs = Math.min(this.timeoutMs, waitMs);
    const delivery = await this.#api.call("send", { ...input, queue: true, timeoutMs });
    const { id, status } = delivery;
    if (status === "queued" && id !== null) this.#queued.add(id);
    this.#waitMs = status === "queued" ? WAIT_BEHIND_QUEUED_MS : WAIT_MS;
    return delivery;
  }
}

/** Without a daemon nobody sends what waits when we have left. */
export function waitingText(count: number): string {
  const messages = count === 1 ? "1 message still waits" : `${count} messages still wait`;
  return `udpchat: ${messages} here: start a daemon, which sends what waits: udpchat start`;
}
