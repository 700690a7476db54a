/** What was said in a group before we were there, on a terminal. */
import type { MessageLine } from "../api/lines.js";
import { MAX_HISTORY_LIMIT } from "../api/operations.js";
import { sanitiseName, shellWord } from "../sanitise.js";
import type { CommandContext } from "./context.js";

/** Of many lines that come late at once a person is shown the last. */
export const MAX_LATE_LINES = 50;
/** Those that come with a shorter pause between them come at once. */
const PAUSE_MS = 300;

/** Where lines and remarks go. */
export interface LateLinesOutput {
  readonly show: (line: MessageLine) => Promise<void>;
  readonly remark: (text: string) => Promise<void>;
}

/** Late lines of one group that are not shown yet. */
interface Held {
  /** The last of them, at most `MAX_LATE_LINES`. */
  readonly lines: MessageLine[];
  leftOut: number;
}

/**
 * Holds late lines back until no more come, shows the last of them, and says how to see the
 * others. A newcomer may be sent 10,000.
 */
export class LateLines {
  readonly #output: LateLinesOutput;
  /** By group. Bounded by our memberships. */
  readonly #held = new Map<string, Held>();
  #timer: NodeJS.Timeout | undefined;
  #shown: Promise<void> = Promise.resolve();

  constructor(output: LateLinesOutput) {
    this.#output = output;
  }

  /** Undefined where everything is to be shown: to programs, and where nothing is kept. */
  static of({ io, printer, settings, stderr }: CommandContext): LateLines | undefined {
    if (!io.isTTY.stdout || printer.forScripts || settings.store === "memory") return undefined;
    return new LateLines({
      show: (line) => printer.line(line),
      async remark(text) {
        await stderr.line(sanitiseName(text));
      },
    });
  }

  /** False for a line that is not late: it is shown by the caller, at once. */
  holds(line: MessageLine): boolean {
    const { group } = line;
    if (!line.late || group === null) return false;
    const held = this.#held.get(group) ?? { lines: [], leftOut: 0 };
    this.#held.set(group, held);
    held.lines.push(line);
    if (held.lines.length > MAX_LATE_LINES) {
      held.lines.shift();
      held.leftOut += 1;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#release(), PAUSE_MS);
    return true;
  }

  /** Shows what is left. */
  async close(): Promise<void> {
    this.#release();
    await this.#shown;
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const held = [...this.#held];
    this.#held.clear();
    this.#shown = this.#tellBehind(this.#shown, held);
  }

  async #tellBehind(shown: Promise<void>, held: readonly [string, Held][]): Promise<void> {
    await shown;
    for (const [group, late] of held) await this.#tell(group, late);
  }

  async #tell(group: string, { leftOut, lines }: Held): Promise<void> {
    if (leftOut > 0) await this.#output.remark(leftOutText(group, leftOut));
    for (const line of lines) await this.#output.show(line);
  }
}

function leftOutText(group: string, count: number): string {
  const limit = Math.min(count + MAX_LATE_LINES, MAX_HISTORY_LIMIT);
  const lines = count === 1 ? "1 earlier line is" : `${count} earlier lines are`;
  const command = `udpchat history --group ${shellWord(group)} --limit ${limit}`;
  return `${lines} not shown here: ${command}`;
}
