import type { DeliveryLine } from "../../api/lines.js";
import type { Api } from "../../api/operations.js";
import type { CommandContext } from "../context.js";

/** In a LAN nearly everything is delivered by then; what is not goes on its way all the same. */
const WAIT_MS = 1000;
/** Behind what was not: nobody is to wait a second for each of many lines. */
const WAIT_BEHIND_QUEUED_MS = 200;

/** Sends what is said to one person: it is kept until it is delivered. One call at a time. */
export class DirectMessages {
  readonly #api: Api;
  readonly #context: CommandContext;
  #waitMs = WAIT_MS;

  constructor(api: Api, context: CommandContext) {
    this.#api = api;
    this.#context = context;
  }

  /** @throws UdpchatError as `send` */
  async send(target: string, text: string): Promise<DeliveryLine> {
    const { requireVerified = false, timeout: timeoutMs = this.#waitMs } = this.#context.settings;
    const input = { target, text, requireVerified, queue: true, timeoutMs };
    const delivery = await this.#api.call("send", input);
    this.#waitMs = delivery.status === "queued" ? WAIT_BEHIND_QUEUED_MS : WAIT_MS;
    return delivery;
  }
}
