/** What we say on a terminal, and how far it came. */
import type { HistoryLine, ProgressLine } from "../../api/lines.js";
import { body, clock } from "../printers/conversation.js";
import type { Style } from "../printers/style.js";
import { actionOf } from "./action.js";
import type { Entry } from "./screen.js";

/**
 * Of one line of ours: those of the history, and `failed`: it was not said, and the reason stands
 * below it. In a group nobody tells who has it: there `sent` is all that is known, and `kept` that
 * nobody else was there.
 */
export type OwnState = Exclude<HistoryLine["state"], "unread"> | "failed" | "kept";

const MARK: Readonly<Record<OwnState, string>> = {
  queued: "(queued)",
  sent: "(sent)",
  delivered: "(delivered)",
  read: "(read)",
  undelivered: "(undelivered)",
  failed: "(not said)",
  kept: "(kept: nobody else is here)",
};
/** No line goes back: a late `delivered` changes nothing of one that is read. */
const RANK: Readonly<Record<OwnState, number>> = {
  sent: 0,
  queued: 1,
  kept: 2,
  delivered: 2,
  failed: 3,
  undelivered: 3,
  read: 4,
};
/** Told in a line of its own where the mark cannot be changed. */
const NEWS: ReadonlySet<OwnState> = new Set(["queued", "delivered", "read", "undelivered"]);
/** Lines of which something may still be told. */
const MAX_FOLLOWED = 1000;
/** Of others' doings, while we do not know yet which of them are ours. */
const MAX_EARLY = 100;
const SHOWN_CHARACTERS = 30;

export interface OwnLine {
  readonly text: string;
  readonly sentAt: string;
  /** Whom it is for, where that is not the whole chat; as on the screen. */
  readonly to?: string;
  /** Undefined: it is not known yet. */
  readonly state?: OwnState;
  /** Known already, as of the history. */
  readonly id?: string;
}

/** A line of ours that was printed. */
export interface PrintedLine {
  /** The messenger calls it so. */
  identify(id: string): void;
  become(state: OwnState): void;
}

export interface OwnLinesParts {
  readonly style: Style;
  /** What we are called. */
  readonly name: string;
  /** What stands before the first line of a day. */
  readonly dayBefore: (sentAt: string) => string;
  readonly print: (entry: Entry) => void;
  /** False: what is on the screen cannot be written over. */
  readonly changed: (entry: Entry) => boolean;
}

/** Lines of ours, each with a mark that changes in its place while that is on the screen. */
export class OwnLines {
  readonly #parts: OwnLinesParts;
  /** By message id, the oldest first; at most `MAX_FOLLOWED`. */
  readonly #followed = new Map<string, Line>();
  /** What came before the answer that says which id is ours; at most `MAX_EARLY`. */
  readonly #early = new Map<string, OwnState>();

  constructor(parts: OwnLinesParts) {
    this.#parts = parts;
  }

  print(own: OwnLine): PrintedLine {
    const line = new Line(own, this.#parts);
    if (own.id !== undefined) this.#follow(own.id, line);
    this.#parts.print(line);
    return {
      identify: (id) => this.#follow(id, line),
      become: (state) => line.become(state),
    };
  }

  /** Of ours here that nobody has yet. */
  get queued(): number {
    return [...this.#followed.values()].filter(({ state }) => state === "queued").length;
  }

  /** What became of a message. Of those that were not said here nothing is shown. */
  told({ id, status }: Pick<ProgressLine, "id" | "status">): void {
    const line = this.#followed.get(id);
    if (line !== undefined) {
      line.become(status);
      return;
    }
    this.#early.set(id, status);
    dropOldest(this.#early, MAX_EARLY);
  }

  #follow(id: string, line: Line): void {
    this.#followed.set(id, line);
    dropOldest(this.#followed, MAX_FOLLOWED);
    const early = this.#early.get(id);
    if (early === undefined) return;
    this.#early.delete(id);
    line.become(early);
  }
}

class Line implements Entry {
  readonly #own: OwnLine;
  readonly #parts: OwnLinesParts;
  #state: OwnState | undefined;
  #day: string | undefined;

  constructor(own: OwnLine, parts: OwnLinesParts) {
    this.#own = own;
    this.#parts = parts;
    this.#state = own.state;
  }

  /** `14:02 you: hello (read)`. */
  readonly text = (): string => {
    const { sentAt, text, to } = this.#own;
    const { dayBefore, name, style } = this.#parts;
    this.#day ??= dayBefore(sentAt);
    const action = actionOf(text);
    const whom = to === undefined ? "" : ` -> ${to}`;
    const said =
      action === undefined
        ? `${style.strong("you")}${whom}: ${body(text)}`
        : `* ${style.strong(name)}${whom} ${body(action)}`;
    const mark = this.#state === undefined ? "" : ` ${this.#mark(this.#state)}`;
    return `${this.#day}${clock(sentAt, style)} ${said}${mark}`;
  };

  get state(): OwnState | undefined {
    return this.#state;
  }

  become(state: OwnState): void {
    const { changed, print, style } = this.#parts;
    if (this.#state !== undefined && RANK[state] <= RANK[this.#state]) return;
    this.#state = state;
    if (changed(this) || !NEWS.has(state)) return;
    const text = style.faint(`* ${MARK[state].slice(1, -1)}: ${beginning(this.#own.text)}`);
    print({ text: () => text });
  }

  #mark(state: OwnState): string {
    const { style } = this.#parts;
    return RANK[state] === 3 ? style.bad(MARK[state]) : style.faint(MARK[state]);
  }
}

/** Enough of a text to know it again. */
function beginning(text: string): string {
  const [line = ""] = body(text).split("\n", 1);
  const characters = Array.from(line);
  const isWhole = characters.length <= SHOWN_CHARACTERS && !text.includes("\n");
  return isWhole ? line : `${characters.slice(0, SHOWN_CHARACTERS).join("")}…`;
}

function dropOldest<T>(map: Map<string, T>, size: number): void {
  for (const key of map.keys()) {
    if (map.size <= size) return;
    map.delete(key);
  }
}
