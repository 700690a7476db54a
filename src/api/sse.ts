/** One event of a `text/event-stream`. */
export interface SseEvent {
  /** Last id seen so far, this event's own or an earlier one; empty if none. */
  readonly id: string;
  /** `message` if the stream does not say. */
  readonly event: string;
  readonly data: string;
}

/** The longest line, and the longest event, that is read; our own are well below. */
const MAX_EVENT_CHARS = 2 * 1024 * 1024;

/**
 * Server-Sent Events out of chunks that may be cut anywhere, in the middle of a UTF-8 sequence or
 * of a CRLF as well. Follows the WHATWG HTML standard, section 9.2.6.
 */
export class SseParser {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #skipLineFeed = false;
  #id = "";
  #event = "";
  #data: string[] = [];
  #eventChars = 0;

  /** The events that are complete now. Throws RangeError if one is too long. */
  push(chunk: Uint8Array): SseEvent[] {
    const events: SseEvent[] = [];
    let text = this.#decoder.decode(chunk, { stream: true });
    if (text === "") return events;
    if (this.#skipLineFeed) {
      this.#skipLineFeed = false;
      if (text.startsWith("\n")) text = text.slice(1);
    }
    text = this.#rest + text;
    // A CR that ends the chunk ends the line; the LF that may follow belongs to it.
    this.#skipLineFeed = text.endsWith("\r");
    const lines = text.split(/\r\n|\r|\n/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = this.#line(line);
      if (event !== undefined) events.push(event);
    }
    if (this.#rest.length + this.#eventChars > MAX_EVENT_CHARS) {
      throw new RangeError(`an event is longer than ${MAX_EVENT_CHARS} characters`);
    }
    return events;
  }

  #line(line: string): SseEvent | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    // And the line end: empty lines take memory as well. Comments may go on for ever.
    if (colon !== 0) this.#eventChars += line.length + 1;
    const field = colon === -1 ? line : line.slice(0, colon);
    const raw = colon === -1 ? "" : line.slice(colon + 1);
    const value = raw.startsWith(" ") ? raw.slice(1) : raw;
    switch (field) {
      case "id":
        if (!value.includes("\0")) this.#id = value;
        break;
      case "event":
        this.#event = value;
        break;
      case "data":
        this.#data.push(value);
        break;
      default:
      // Comments (an empty field name) and unknown fields are ignored.
    }
    return undefined;
  }

  #dispatch(): SseEvent | undefined {
    const data = this.#data;
    const event = this.#event;
    this.#data = [];
    this.#eventChars = 0;
    this.#event = "";
    if (data.length === 0) return undefined;
    return { id: this.#id, event: event === "" ? "message" : event, data: data.join("\n") };
  }
}
