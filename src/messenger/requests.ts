import { UdpchatError } from "../errors.js";
import { encodeUtf8 } from "../wire/cursor.js";
import { ReplyStatus, type ReplyStatusCode } from "../wire/record.js";
import { messageBody } from "./messageText.js";
import type { Request } from "./types.js";

/** Answers a request; what it throws goes back to the asker as a failure. */
export type RequestHandler = (request: Request) => Promise<string> | string;

/** What goes back. */
export interface Answer {
  readonly status: ReplyStatusCode;
  readonly body: Uint8Array;
}

/** Characters of an error message that go back to the asker. */
const MAX_FAILURE_CHARACTERS = 1000;

/** Who answers requests here: the handler that came last. */
export class RequestHandlers {
  /** The newest last; bounded by the application. */
  readonly #registrations: { readonly handler: RequestHandler }[] = [];

  /** The returned function takes the handler away; the one before it then answers again. */
  add(handler: RequestHandler): () => void {
    const registration = { handler };
    this.#registrations.push(registration);
    return () => {
      const index = this.#registrations.indexOf(registration);
      if (index >= 0) this.#registrations.splice(index, 1);
    };
  }

  /** Never rejects. Without a handler the answer is there at once. */
  async answer(request: Request): Promise<Answer> {
    const handler = this.#registrations.at(-1)?.handler;
    if (handler === undefined) return { status: ReplyStatus.noHandler, body: new Uint8Array(0) };
    try {
      const text: unknown = await handler(request);
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

function failure(message: string): Answer {
  const body = encodeUtf8(message.slice(0, MAX_FAILURE_CHARACTERS));
  return { status: ReplyStatus.failed, body };
}
