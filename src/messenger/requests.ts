import { UdpchatError } from "../errors.js";
import { encodeUtf8 } from "../wire/cursor.js";
import { ReplyStatus, type ReplyStatusCode } from "../wire/record.js";
import { messageBody } from "./messageText.js";
import type { HandleOptions, Request, RequestHandler } from "./types.js";

/** What goes back. */
export interface Answer {
  readonly status: ReplyStatusCode;
  readonly body: Uint8Array;
}

/** Characters of an error message that go back to the asker. */
const MAX_FAILURE_CHARACTERS = 1000;

/** Who answers requests here: the handler that came last. */
export class RequestHandlers {
  /** Of every handler. */
  readonly #requiresVerified: () => boolean;
  /** The newest last; bounded by the application. */
  readonly #registrations: (Required<HandleOptions> & { readonly handler: RequestHandler })[] = [];

  constructor(requiresVerified: () => boolean) {
    this.#requiresVerified = requiresVerified;
  }

  /** The returned function takes the handler away; the one before it then answers again. */
  add(handler: RequestHandler, { requireVerified = false }: HandleOptions = {}): () => void {
    const registration = { handler, requireVerified };
    this.#registrations.push(registration);
    return () => {
      const index = this.#registrations.indexOf(registration);
      if (index >= 0) this.#registrations.splice(index, 1);
    };
  }

  /** Never rejects. Without a handler the answer is there at once. */
  async answer(request: Request): Promise<Answer> {
    const registration = this.#registrations.at(-1);
    if (registration === undefined) return empty(ReplyStatus.noHandler);
    const requireVerified = registration.requireVerified || this.#requiresVerified();
    if (requireVerified && request.from.trust !== "verified") {
      return empty(ReplyStatus.refused);
    }
    try {
      const text: unknown = await registration.handler(request);
      if (typeof text !== "string") return failure("the handler returned no text");
      return { status: ReplyStatus.ok, body: messageBody(text) };
    } catch (error) {
      if (error instanceof UdpchatError && error.code === "MESSAGE_TOO_LARGE") {
        return failure(`the reply is too long: ${error.message}`);
      }
      return failure(error instanceof Error ? error.message : String(error));
    }
  }
}

function empty(status: ReplyStatusCode): Answer {
  return { status, body: new Uint8Array(0) };
}

function failure(message: string): Answer {
  const body = encodeUtf8(message.slice(0, MAX_FAILURE_CHARACTERS));
  return { status: ReplyStatus.failed, body };
}
