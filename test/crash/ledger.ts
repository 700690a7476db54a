import type { EventLine, HistoryLine } from "../../src/api/lines.js";
import { brief, differenceOf } from "../support/histories.js";

/** What a daemon said of a direct message to whoever had it sent. */
interface Promised {
  readonly text: string;
  /** Names of users. */
  readonly from: string;
  readonly to: string;
  readonly status: "delivered" | "queued";
}

/**
 * Everything that the daemons promised, and everything that their followers were shown; texts name
 * messages, each is written once. Bounded by the length of the run.
 */
export class Ledger {
  /** By text. */
  readonly #direct = new Map<string, Promised>();
  /** Texts of lines that were answered with `sent`, by group. */
  readonly #said = new Map<string, Set<string>>();
  /** What a follower was shown, by user and text: the ids that it came with. */
  readonly #shown = new Map<string, Map<string, string[]>>();
  /** What happened to calls, by what they were: `send: delivered`, `say: DAEMON_NOT_RUNNING`. */
  readonly outcomes = new Map<string, number>();
  /** What must not happen, in words. */
  readonly faults: string[] = [];

  count(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  promise(promised: Promised): void {
    this.#direct.set(promised.text, promised);
  }

  promiseLine(group: string, text: string): void {
    const texts = this.#said.get(group) ?? new Set();
    this.#said.set(group, texts.add(text));
  }

  /** A line of the event stream of `user`, over all its starts. */
  show(user: string, line: EventLine): void {
    if (line.type !== "message") return;
    const shown = this.#shown.get(user) ?? new Map<string, string[]>();
    this.#shown.set(user, shown);
    const ids = shown.get(line.text) ?? [];
    shown.set(line.text, [...ids, line.id ?? "no id"]);
    if (ids.length > 0)
      this.faults.push(`${user} was shown "${brief(line.text)}" again (${ids[0]}, ${line.id})`);
  }

  get promises(): { readonly delivered: number; readonly queued: number; readonly lines: number } {
    const direct = [...this.#direct.values()];
    const delivered = direct.filter(({ status }) => status === "delivered").length;
    const lines = [...this.#said.values()].reduce((sum, texts) => sum + texts.size, 0);
    return { delivered, queued: direct.length - delivered, lines };
  }

  get shownCount(): number {
    return [...this.#shown.values()].reduce((sum, texts) => sum + texts.size, 0);
  }

  /** What is not as it was promised, given the histories of all users by name. */
  broken(histories: ReadonlyMap<string, readonly HistoryLine[]>): string[] {
    return [
      ...[...histories].flatMap(([user, history]) => twiceIn(user, history)),
      ...this.#directBroken(histories),
      ...this.#linesBroken(histories),
    ];
  }

  /** The receiver has what was promised, and the sender knows it. */
  #directBroken(histories: ReadonlyMap<string, readonly HistoryLine[]>): string[] {
    const byUser = new Map(
      [...histories].map(([user, history]) => [
        user,
        new Map(history.map((line) => [line.text, line])),
      ]),
    );
    return [...this.#direct.values()].flatMap(({ text, from, to, status }) => {
      const broken: string[] = [];
      if (byUser.get(to)?.has(text) !== true) {
        broken.push(`${to} lacks "${brief(text)}", which is ${status}`);
      }
      const state = byUser.get(from)?.get(text)?.state;
      if (state !== "delivered") broken.push(`${from} has "${brief(text)}" as ${state}`);
      return broken;
    });
  }

  #linesBroken(histories: ReadonlyMap<string, readonly HistoryLine[]>): string[] {
    const broken: string[] = [];
    for (const [group, promised] of this.#said) {
      const [first, ...others] = [...histories].map(([user, history]) => ({
        user,
        lines: history.filter((kept) => kept.group === group),
      }));
      if (first === undefined) continue;
      const texts = new Set(first.lines.map(({ text }) => text));
      for (const text of promised) {
        if (!texts.has(text)) broken.push(`${first.user} lacks "${brief(text)}" in ${group}`);
      }
      for (const other of others) {
        const difference = differenceOf(first.lines, other.lines);
        if (difference === undefined) continue;
        broken.push(`${group} of ${first.user} and ${other.user}: ${difference}`);
      }
    }
    return broken;
  }
}

function twiceIn(user: string, history: readonly HistoryLine[]): string[] {
  const seen = new Set<string>();
  const twice: string[] = [];
  for (const { text } of history) {
    if (seen.has(text)) twice.push(`${user} has "${brief(text)}" more than once`);
    seen.add(text);
  }
  return twice;
}
