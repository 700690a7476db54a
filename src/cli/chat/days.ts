import { dateText, dayText } from "../printers/conversation.js";

/** The days of what is shown: each begins with a line of its own. */
export class Days {
  #shown: string;

  /** Nothing is said of the day on which everything begins. */
  constructor(today: string) {
    this.#shown = dateText(today);
  }

  /** `* Friday 2026-11-20` and a newline, before the first line of another day. */
  before(timestamp: string): string {
    const day = dateText(timestamp);
    if (day === this.#shown) return "";
    this.#shown = day;
    return `* ${dayText(timestamp)}\n`;
  }
}
