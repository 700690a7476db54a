/** How often everything happened, and how it ended: `send: delivered`, `trouble: partition`. */
export class Tally {
  /** By words of ours and error codes: bounded by the kinds of things that can happen. */
  readonly #counts = new Map<string, number>();
  readonly #faults: string[] = [];
  readonly #tell: (line: string) => void;

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /** What must not happen, in words: told at once. */
  fault(what: string): void {
    this.#faults.push(what);
    this.#tell(`FAULT ${what}`);
  }

  get faults(): readonly string[] {
    return this.#faults;
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }
}
