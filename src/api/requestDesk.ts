import { UdpchatError } from "../errors.js";
import type { HandleOptions, Request } from "../messenger/types.js";
import type { ServeLine } from "./lines.js";
import { toRequestLine } from "./toLines.js";

/** Requests that may wait for an answer; the oldest fails when more arrive. */
const MAX_WAITING = 4096;

interface Waiting {
  readonly request: Request;
  readonly resolve: (text: string) => void;
  readonly reject: (error: UdpchatError) => void;
}

/** Takes the requests until the returned function is called. */
type Install = (
  handler: (request: Request) => Promise<string>,
  options: HandleOptions,
) => () => void;

/** One open stream of requests. */
class Clerk {
  /** Not yet handed out; a part of `waiting`, and bounded by it. */
  readonly inbox: Request[] = [];
  /** Handed out or not, by id: bounded by MAX_WAITING. */
  readonly waiting = new Map<string, Waiting>();
  replaced = false;
  wake: () => void = () => undefined;
}

/**
 * Hands requests of other peers to the program that answers them, and its answers back. The
 * newest stream gets the requests; what a stream leaves unanswered when it ends has failed.
 */
export class RequestDesk {
  readonly #install: Install;
  #clerk: Clerk | undefined;

  /** `install`: the messenger's `handle`, called while a stream is open. */
  constructor(install: Install) {
    this.#install = install;
  }

  /** Requests from now on, until the signal aborts. Throws REFUSED when a newer stream begins. */
  async *requests(
    signal: AbortSignal,
    { requireVerified = false }: { readonly requireVerified?: boolean | undefined } = {},
  ): AsyncGenerator<ServeLine, void, undefined> {
    const clerk = new Clerk();
    const remove = this.#install((request) => this.#take(clerk, request), { requireVerified });
    if (this.#clerk !== undefined) {
      this.#clerk.replaced = true;
      this.#clerk.wake();
    }
    this.#clerk = clerk;
    const onAbort = (): void => clerk.wake();
    signal.addEventListener("abort", onAbort);
    try {
      yield { type: "ready" };
      while (!signal.aborted && !clerk.replaced) {
        const request = clerk.inbox.shift();
        if (request !== undefined) yield toRequestLine(request);
        else await new Promise<void>((resolve) => (clerk.wake = resolve));
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#dismiss(clerk, remove);
    }
    if (clerk.replaced) {
      throw new UdpchatError("REFUSED", "another program answers the requests now", {
        remedy: "end it first",
      });
    }
  }

  /** The answer, or why there is none. Throws INVALID_ARGUMENT if no such request waits. */
  answer(id: string, outcome: { readonly text: string } | { readonly error: string }): void {
    const waiting = this.#clerk?.waiting.get(id);
    if (waiting === undefined) {
      throw new UdpchatError("INVALID_ARGUMENT", `no request ${id} waits for an answer`, {
        remedy: "answer sooner: whoever asked has given up",
      });
    }
    this.#clerk?.waiting.delete(id);
    if ("text" in outcome) waiting.resolve(outcome.text);
    else waiting.reject(new UdpchatError("HANDLER_FAILED", outcome.error));
  }

  #take(clerk: Clerk, request: Request): Promise<string> {
    return new Promise((resolve, reject) => {
      if (clerk.waiting.size >= MAX_WAITING) this.#failOldest(clerk);
      clerk.waiting.set(request.id, { request, resolve, reject });
      clerk.inbox.push(request);
      clerk.wake();
    });
  }

  #failOldest(clerk: Clerk): void {
    for (const [id, waiting] of clerk.waiting) {
      clerk.waiting.delete(id);
      const unread = clerk.inbox.indexOf(waiting.request);
      if (unread !== -1) clerk.inbox.splice(unread, 1);
      waiting.reject(new UdpchatError("HANDLER_FAILED", "too many requests wait for an answer"));
      return;
    }
  }

  #dismiss(clerk: Clerk, remove: () => void): void {
    remove();
    if (this.#clerk === clerk) this.#clerk = undefined;
    for (const waiting of clerk.waiting.values()) {
      waiting.reject(new UdpchatError("HANDLER_FAILED", "the program that answers went away"));
    }
    clerk.waiting.clear();
  }
}
