import { toJson } from "../sanitise.js";
import type { EventLine } from "./lines.js";

/** A line as it goes out, serialised once for all who follow. */
export interface LoggedLine {
  /** Undefined for lines that are not a place in the log. */
  readonly id: string | undefined;
  readonly type: string;
  readonly json: string;
}

export interface EventLogOptions {
  /** Lines kept. Default 4096. */
  readonly maxLines?: number;
  /** Characters of JSON kept. Default 16 Mi. */
  readonly maxChars?: number;
}

/**
 * The last events of this start, with ids `<incarnation>-<n>`, n from 1, so that a client that
 * was cut off can go on behind the last one it saw. What it can't be given it is told about.
 */
export class EventLog {
  readonly #incarnation: string;
  readonly #maxLines: number;
  readonly #maxChars: number;
  /** By number, oldest first; bounded by `maxLines` and `maxChars`. */
  readonly #lines = new Map<number, LoggedLine>();
  #chars = 0;
  #last = 0;
  #ended = false;
  /** Followers that wait for the next line; bounded by the server's connections. */
  readonly #waiting = new Set<() => void>();

  /** `incarnation`: differs between starts; without hyphens. */
  constructor(incarnation: string, options: EventLogOptions = {}) {
    this.#incarnation = incarnation;
    this.#maxLines = options.maxLines ?? 4096;
    this.#maxChars = options.maxChars ?? 16 * 1024 * 1024;
  }

  append(line: EventLine): void {
    this.#last += 1;
    const json = toJson(line);
    this.#lines.set(this.#last, { id: this.#idOf(this.#last), type: line.type, json });
    this.#chars += json.length;
    for (const [number, old] of this.#lines) {
      if (this.#lines.size <= this.#maxLines && this.#chars <= this.#maxChars) break;
      this.#lines.delete(number);
      this.#chars -= old.json.length;
    }
    this.#wakeAll();
  }

  /** No more events: followers read what is left and end. */
  end(): void {
    this.#ended = true;
    this.#wakeAll();
  }

  /**
   * Lines behind `lastEventId` (undefined or empty: from now on) until the signal aborts or the
   * log ends. First `ready`, with the place it begins at; before it a `resync` if there is a hole.
   */
  async *follow(
    lastEventId: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<LoggedLine, void, undefined> {
    let seen = this.#last;
    if (lastEventId !== undefined && lastEventId !== "") {
      const place = this.#placeOf(lastEventId);
      seen = Math.max(place ?? 0, this.#oldest() - 1);
      if (place === undefined) yield resync("restarted");
      else if (place < seen) yield resync("tooOld");
    }
    yield { id: this.#idOf(seen), type: "ready", json: '{"type":"ready"}' };
    while (!signal.aborted) {
      const line = this.#lines.get(seen + 1);
      if (line !== undefined) {
        seen += 1;
        yield line;
      } else if (seen < this.#last) {
        // It read more slowly than things happened.
        seen = this.#oldest() - 1;
        yield resync("tooOld");
      } else if (this.#ended) {
        return;
      } else {
        await this.#next(signal);
      }
    }
  }

  /** Number of the oldest line that is kept; one behind the last if none is. */
  #oldest(): number {
    for (const number of this.#lines.keys()) return number;
    return this.#last + 1;
  }

  #idOf(number: number): string {
    return `${this.#incarnation}-${number}`;
  }

  /** The number in an id of this start, undefined for any other text. */
  #placeOf(id: string): number | undefined {
    const prefix = `${this.#incarnation}-`;
    const digits = id.slice(prefix.length);
    if (!id.startsWith(prefix) || !/^\d{1,15}$/.test(digits)) return undefined;
    const number = Number(digits);
    return number <= this.#last ? number : undefined;
  }

  #next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener("abort", wake);
        this.#waiting.delete(wake);
        resolve();
      };
      signal.addEventListener("abort", wake);
      this.#waiting.add(wake);
    });
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake();
  }
}

function resync(reason: "restarted" | "tooOld"): LoggedLine {
  const message =
    reason === "restarted"
      ? "the daemon was started anew since: events may be missing here, messages are in the history"
      : "the daemon no longer has all events since: some are missing here, messages are in the history";
  const line: EventLine = { type: "resync", reason, message };
  return { id: undefined, type: "resync", json: toJson(line) };
}
